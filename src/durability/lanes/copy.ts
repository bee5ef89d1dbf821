import type { OutgoingRecord } from '../../model/record.ts'

/** The record in memory of its own, so that it may outlive its request. */
export function copyRecord(record: OutgoingRecord): OutgoingRecord {
  const { block, lineStart, lineEnd, texts, idStart, idEnd, keyStart, keyEnd } = record
  // By name: some records have theirs from the request that they share.
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
