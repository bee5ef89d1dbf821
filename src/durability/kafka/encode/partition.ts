import type { OutgoingRecord } from '../../../model/record.ts'

/**
 * The partition of a key, as Java's default partitioner computes it, so that other producers and consumers of the same
 * topics agree. The client's own partitioner gives other results if the number of partitions is not a power of two, so
 * every record's partition is chosen here.
 *
 * Source: org.apache.kafka.common.utils.Utils.murmur2 and toPositive.
 *
 * @param range the position of the key's UTF-8 bytes
 */
export function partitionOf(bytes: Uint8Array, range: { start: number; end: number }, partitions: number): number {
  return (murmur2(bytes, range.start, range.end) & 0x7fffffff) % partitions
}

/**
 * The partition of a record. A record without a key is partitioned by its messageId, or else by its time: the same line
 * always goes to the same partition, so that a line that is read back from the log is known to be delivered or not.
 */
export function choosePartition(record: OutgoingRecord, partitions: number): number {
  const { texts, keyStart, keyEnd, idStart, idEnd, receivedAt } = record
  if (keyEnd > keyStart) return partitionOf(texts, { start: keyStart, end: keyEnd }, partitions)
  if (idEnd > idStart) return partitionOf(texts, { start: idStart, end: idEnd }, partitions)
  return receivedAt % partitions
}

const MULTIPLIER = 0x5bd1e995
const SEED = 0x9747b28c

function murmur2(bytes: Uint8Array, start: number, end: number): number {
  let hash = SEED ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash, MULTIPLIER) ^ scramble(fourBytes(bytes, at))
  }
  if (at < end) {
    for (let shift = 0; at < end; at++, shift += 8) hash ^= (bytes[at] as number) << shift
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

function fourBytes(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

function scramble(word: number): number {
  const mixed = Math.imul(word, MULTIPLIER)
  return Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER)
}
