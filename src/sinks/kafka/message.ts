import type { OutgoingRecord } from '../../model/record.ts'

/** What is the same for every topic that a record goes to. */
export interface EncodedRecord {
  /** Undefined: no key. */
  readonly key: Buffer | undefined
  readonly value: Buffer
  readonly headers: Map<Buffer, Buffer>
  readonly timestamp: bigint
  /** Size as the only record of a batch, exactly what the broker holds against max.message.bytes. */
  readonly bytes: number
}

/** RecordBatch overhead of message format 2: base offset to record count. */
const BATCH_HEAD_BYTES = 61
/** Attributes, and timestamp and offset deltas of 0. */
const RECORD_HEAD_BYTES = 3
/** What a record's deltas may take more than that inside a larger batch. */
export const DELTA_SLACK_BYTES = 12

const TYPE = Buffer.from('type')
const CODE = Buffer.from('code')
const SOURCE = Buffer.from('source')
const MESSAGE_ID = Buffer.from('messageId')
const RECEIVED_AT = Buffer.from('receivedAt')
const MAX_WORDS = 10_000

export type RecordEncoder = (record: OutgoingRecord) => EncodedRecord

/**
 * Makes records ready for Kafka: value without the line feed (no copy), the key's bytes, headers `type` (or `code`
 * for a rejected record), `source`, `messageId` and `receivedAt` (ISO 8601), and receivedAt as the timestamp.
 * Remembers the bytes of words that recur: types, codes, sources, the last receivedAt.
 */
export function createRecordEncoder(): RecordEncoder {
  const words = new Map<string, Buffer>()
  let received = { at: Number.NaN, iso: Buffer.alloc(0), timestamp: 0n }

  const word = (text: string): Buffer => {
    let bytes = words.get(text)
    if (bytes === undefined) {
      if (words.size >= MAX_WORDS) words.clear()
      bytes = Buffer.from(text)
      words.set(text, bytes)
    }
    return bytes
  }

  return record => {
    if (received.at !== record.receivedAt) {
      const iso = Buffer.from(new Date(record.receivedAt).toISOString())
      received = { at: record.receivedAt, iso, timestamp: BigInt(record.receivedAt) }
    }
    const headers = new Map<Buffer, Buffer>()
    if (record.kind === 'event') headers.set(TYPE, word(record.type))
    else headers.set(CODE, word(record.code))
    headers.set(SOURCE, word(record.source))
    headers.set(MESSAGE_ID, Buffer.from(record.messageId))
    headers.set(RECEIVED_AT, received.iso)
    const key = record.key === '' ? undefined : Buffer.from(record.key)
    const value = record.line.subarray(0, record.line.length - 1)
    return { key, value, headers, timestamp: received.timestamp, bytes: batchOfOneBytes(key, value, headers) }
  }
}

function batchOfOneBytes(key: Buffer | undefined, value: Buffer, headers: Map<Buffer, Buffer>): number {
  let bytes =
    RECORD_HEAD_BYTES + sizedBytes(value) + (key === undefined ? 1 : sizedBytes(key)) + varintBytes(headers.size)
  for (const [name, content] of headers) bytes += sizedBytes(name) + sizedBytes(content)
  return BATCH_HEAD_BYTES + varintBytes(bytes) + bytes
}

function sizedBytes(bytes: Buffer): number {
  return varintBytes(bytes.length) + bytes.length
}

/** Length of a non-negative number as zigzag varint. */
function varintBytes(value: number): number {
  return value < 64 ? 1 : value < 8_192 ? 2 : value < 1_048_576 ? 3 : value < 134_217_728 ? 4 : 5
}
