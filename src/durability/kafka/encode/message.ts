import type { OutgoingRecord, RecordKind } from '../../../model/record.ts'
import { RECORD_HEADERS, TRACEPARENT, traceparentOf, type RecordHeader } from '../../../model/record.ts'
import { varintBytes, writeVarint } from './varint.ts'

/** Bytes of a RecordBatch in message format 2 before its records: from the base offset to the record count. */
export const BATCH_HEAD_BYTES = 61
/** The most bytes that a record's deltas take in a larger batch beyond those in a batch of its own. */
export const DELTA_SLACK_BYTES = 12
/** Kafka's value for a record without a timestamp. Such a record counts as written when its segment was. */
const NO_TIMESTAMP = -1

const ATTRIBUTES_BYTES = 1
const MAX_WORDS = 10_000
const NO_HEADER = Buffer.alloc(0)

type RecordParts = Pick<KafkaRecord, 'record' | 'headersBefore' | 'headersAfter' | 'timestamp'>

/** The parts of a record that are the same for every topic, and its size. */
export class KafkaRecord {
  /** The key, the line and the messageId are not copied before they are written into the batch. */
  readonly record: OutgoingRecord
  /** The encoded headers from their number to the name `messageId`. */
  readonly headersBefore: Buffer
  /** The encoded headers after the messageId. */
  readonly headersAfter: Buffer
  readonly timestamp: number
  /** Bytes in a batch without the deltas and the length. */
  readonly bodyBytes: number

  constructor({ record, headersBefore, headersAfter, timestamp }: RecordParts) {
    this.record = record
    this.headersBefore = headersBefore
    this.headersAfter = headersAfter
    this.timestamp = timestamp
    const keyBytes = record.keyEnd - record.keyStart
    this.bodyBytes =
      ATTRIBUTES_BYTES +
      (keyBytes === 0 ? varintBytes(-1) : sizedBytes(keyBytes)) +
      sizedBytes(this.valueBytes) +
      headersBefore.length +
      sizedBytes(record.idEnd - record.idStart) +
      headersAfter.length
  }

  /** Bytes of the line without its line feed. */
  get valueBytes(): number {
    return this.record.lineEnd - this.record.lineStart - 1
  }

  /** Size as the only record of a batch. This is exactly what the broker compares with max.message.bytes. */
  get bytes(): number {
    return BATCH_HEAD_BYTES + sizedBytes(this.bodyBytes + 2 * varintBytes(0))
  }

  withoutTime(): KafkaRecord {
    const { record, headersBefore, headersAfter } = this
    return new KafkaRecord({ record, headersBefore, headersAfter, timestamp: NO_TIMESTAMP })
  }
}

/**
 * Creates the encoder of records for Kafka. The value is the line without its line feed. The headers are `type` (or
 * `code` for a rejected record), `source`, `messageId`, `receivedAt` (ISO 8601) and `traceparent` (if the line has
 * one), as far as `headers` names them. The timestamp is receivedAt. `messageId` is always a header, because records
 * are found by it.
 */
export function createRecordEncoder(headers: readonly RecordHeader[] = RECORD_HEADERS): RecordEncoder {
  const untraced = createEncoder(headers, 0)
  if (!headers.includes(TRACEPARENT)) return untraced
  const traced = createEncoder(headers, 1)
  const name = sized(TRACEPARENT)
  return record => {
    const value = traceparentOf(record)
    if (value === undefined) return untraced(record)
    const { headersBefore, headersAfter, timestamp } = traced(record)
    const all = Buffer.concat([headersAfter, name, varint(value.length), value])
    return new KafkaRecord({ record, headersBefore, headersAfter: all, timestamp })
  }
}

type RecordEncoder = (record: OutgoingRecord) => KafkaRecord

/**
 * Caches the bytes of headers that repeat: those of each type, code and source, and the last receivedAt.
 *
 * @param more the number of headers that the caller adds after these
 */
function createEncoder(headers: readonly RecordHeader[], more: number): RecordEncoder {
  const has = { type: headers.includes('type'), source: headers.includes('source') }
  const hasTime = headers.includes('receivedAt')
  const count = 1 + [has.type, has.source, hasTime].filter(Boolean).length + more
  const before: Readonly<Record<RecordKind, Map<string, Map<string, Buffer>>>> = {
    event: new Map(),
    rejected: new Map(),
    violation: new Map()
  }
  let words = 0
  let received = { at: Number.NaN, header: Buffer.alloc(0) }

  const headersBefore = (kind: RecordKind, word: string, source: string): Buffer => {
    const known = before[kind].get(source)?.get(word)
    if (known !== undefined) return known
    if (++words > MAX_WORDS) {
      for (const known of Object.values(before)) known.clear()
      words = 1
    }
    const texts = [
      ...(has.type ? [kind === 'rejected' ? 'code' : 'type', word] : []),
      ...(has.source ? ['source', source] : []),
      'messageId'
    ]
    const made = Buffer.concat([varint(count), ...texts.map(sized)])
    const ofSource = before[kind].get(source) ?? new Map<string, Buffer>()
    before[kind].set(source, ofSource.set(word, made))
    return made
  }

  return record => {
    const { kind, type, code, source, receivedAt } = record
    if (received.at !== receivedAt) {
      const iso = new Date(receivedAt).toISOString()
      received = { at: receivedAt, header: hasTime ? Buffer.concat([sized('receivedAt'), sized(iso)]) : NO_HEADER }
    }
    return new KafkaRecord({
      record,
      headersBefore: headersBefore(kind, code ?? type, source),
      headersAfter: received.header,
      timestamp: receivedAt
    })
  }
}

function sizedBytes(bytes: number): number {
  return varintBytes(bytes) + bytes
}

function sized(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(varintBytes(value))
  writeVarint(bytes, 0, value)
  return bytes
}
