import type { OutgoingRecord } from '../../model/record.ts'

/** Copies the record into memory of its own, because the memory of its request is used again. */
export function copyRecord(record: OutgoingRecord): OutgoingRecord {
  const { block, lineStart, lineEnd, texts, idStart, idEnd, keyStart, keyEnd } = record
  // Named one by one: some records inherit these properties from an object that all records of the request share.
  const { kind, type, code, source, receivedAt, topics } = record
  const line = lineEnd - lineStart
  const id = idEnd - idStart
  const key = keyEnd - keyStart
  const copy = Buffer.allocUnsafeSlow(line + id + key)
  block.copy(copy, 0, lineStart, lineEnd)
  texts.copy(copy, line, idStart, idEnd)
  texts.copy(copy, line + id, keyStart, keyEnd)
  return {
    kind,
    type,
    code,
    source,
    receivedAt,
    topics,
    block: copy,
    lineStart: 0,
    lineEnd: line,
    texts: copy,
    idStart: line,
    idEnd: line + id,
    keyStart: line + id,
    keyEnd: line + id + key
  }
}
