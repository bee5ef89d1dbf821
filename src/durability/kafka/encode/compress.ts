import { compressionsAlgorithms } from '@platformatic/kafka'
import type { Compression } from '../../../model/record.ts'

/** Compresses the records of a batch. `id` is the number of the codec in a batch's attributes. */
export interface Codec {
  readonly id: number
  compress(records: Buffer): Buffer
}

/** Undefined: records are not compressed. */
export function codecOf(compression: Compression): Codec | undefined {
  if (compression === 'none') return undefined
  const { bitmask: id, compressSync } = compressionsAlgorithms[compression]
  return { id, compress: compression === 'snappy' ? compressFramed : compressSync }
}

/** The header of snappy-java's frames, which Kafka's Java producer uses. Some consumers read no other form. */
const SNAPPY_HEAD = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const SNAPPY_BLOCK_BYTES = 32 * 1024

function compressFramed(records: Buffer): Buffer {
  const { compressSync } = compressionsAlgorithms.snappy
  const parts: Buffer[] = [SNAPPY_HEAD]
  for (let at = 0; at < records.length; at += SNAPPY_BLOCK_BYTES) {
    const block = compressSync(records.subarray(at, at + SNAPPY_BLOCK_BYTES))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}
