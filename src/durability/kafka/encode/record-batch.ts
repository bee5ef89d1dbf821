import { crc32c, Writer } from '@platformatic/kafka'
import type { Codec } from './compress.ts'
import { BATCH_HEAD_BYTES, type KafkaRecord } from './message.ts'
import type { Scratch } from './scratch.ts'
import { varintBytes, writeVarint } from './varint.ts'

/** What lets the broker distinguish a repeated batch from a new one. */
export interface BatchOrigin {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
}

/** The batch's length counts the bytes after the length field. The checksum covers the bytes after the checksum. */
const LENGTH_AT = 8
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const MAGIC = 2

/**
 * Encodes a record batch of message format 2. Without a codec, the bytes are equal to those of the client's
 * createRecordsBatch, at a small part of its cost: the size is computed first, and then every byte is written once. The
 * result is in the scratch memory and valid until that is cleared. Records that a codec does not make smaller are not
 * compressed.
 *
 * Source: https://kafka.apache.org/documentation/#recordbatch
 */
export function encodeBatch(
  records: readonly KafkaRecord[],
  origin: BatchOrigin,
  { scratch, codec }: { readonly scratch: Scratch; readonly codec?: Codec | undefined }
): Buffer {
  const first = records[0]?.timestamp ?? 0
  let latest = first
  let bytes = BATCH_HEAD_BYTES
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as KafkaRecord
    if (record.timestamp > latest) latest = record.timestamp
    const length = recordLength(record, record.timestamp - first, i)
    bytes += varintBytes(length) + length
  }

  const batch = scratch.take(bytes)
  let at = BATCH_HEAD_BYTES
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as KafkaRecord
    const delta = record.timestamp - first
    at = writeVarint(batch, at, recordLength(record, delta, i))
    batch[at++] = 0
    at = writeVarint(batch, at, delta)
    at = writeVarint(batch, at, i)
    at = writeBody(batch, at, record)
  }
  const written = codec === undefined ? batch : compressed(batch, codec, scratch)
  const attributes = written === batch ? 0 : (codec?.id ?? 0)
  writeHead(written, origin, { count: records.length, first, latest, attributes })
  return written
}

/** The batch with compressed records and without its head; the batch itself if compression does not make it smaller. */
function compressed(batch: Buffer, codec: Codec, scratch: Scratch): Buffer {
  const records = codec.compress(batch.subarray(BATCH_HEAD_BYTES))
  if (BATCH_HEAD_BYTES + records.length >= batch.length) return batch
  const smaller = scratch.take(BATCH_HEAD_BYTES + records.length)
  smaller.set(records, BATCH_HEAD_BYTES)
  return smaller
}

function recordLength(record: KafkaRecord, timestampDelta: number, offsetDelta: number): number {
  return record.bodyBytes + varintBytes(timestampDelta) + varintBytes(offsetDelta)
}

function writeBody(
  batch: Buffer,
  from: number,
  { record, headersBefore, headersAfter, valueBytes }: KafkaRecord
): number {
  const { block, lineStart, texts, idStart, idEnd, keyStart, keyEnd } = record
  let at = writeVarint(batch, from, keyStart === keyEnd ? -1 : keyEnd - keyStart)
  // For a few bytes, a loop is faster than a call.
  for (let key = keyStart; key < keyEnd; key++) batch[at++] = texts[key] as number
  at = writeVarint(batch, at, valueBytes)
  block.copy(batch, at, lineStart, lineStart + valueBytes)
  at += valueBytes
  batch.set(headersBefore, at)
  at = writeVarint(batch, at + headersBefore.length, idEnd - idStart)
  for (let id = idStart; id < idEnd; id++) batch[at++] = texts[id] as number
  batch.set(headersAfter, at)
  return at + headersAfter.length
}

function writeHead(
  batch: Buffer,
  origin: BatchOrigin,
  records: { readonly count: number; readonly first: number; readonly latest: number; readonly attributes: number }
): void {
  batch.fill(0, 0, MAGIC_AT)
  batch.writeInt32BE(batch.length - LENGTH_AT - 4, LENGTH_AT)
  batch.writeInt8(MAGIC, MAGIC_AT)
  let at = batch.writeInt16BE(records.attributes, ATTRIBUTES_AT)
  at = batch.writeInt32BE(records.count - 1, at)
  at = batch.writeBigInt64BE(BigInt(records.first), at)
  at = batch.writeBigInt64BE(BigInt(records.latest), at)
  at = batch.writeBigInt64BE(origin.producerId, at)
  at = batch.writeInt16BE(origin.producerEpoch, at)
  at = batch.writeInt32BE(origin.firstSequence, at)
  batch.writeInt32BE(records.count, at)
  batch.writeUInt32BE(checksum(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
}

/** Wrapped like this, the bytes reach the client's function without a copy. */
function checksum(bytes: Buffer): number {
  return crc32c(Writer.create().append(bytes).dynamicBuffer)
}
