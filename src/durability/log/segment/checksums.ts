import { open } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { Lines } from '../contract.ts'
import { readAt } from './files.ts'

/**
 * The file beside a segment has 16 bytes for each line: four little-endian 32-bit numbers. These are the line's offset,
 * its length, its CRC-32 (with the line feed), and a check of the three. The size is fixed, so that damage to one entry
 * affects no other. If an entry is missing or damaged, a line counts as sound if it is a JSON object.
 */
export interface ChecksumEntry {
  readonly offset: number
  readonly length: number
  readonly crc: number
}

export const ENTRY_BYTES = 16

/** Odd multipliers: a change of any one of the numbers changes the result, and an entry of zeros is never sound. */
function entryCheck(offset: number, length: number, crc: number): number {
  return (Math.imul(offset, 0x9e3779b1) ^ Math.imul(length, 0x85ebca6b) ^ Math.imul(crc, 0xc2b2ae35) ^ 0x54524942) >>> 0
}

/** This many bytes keep the event loop busy for about half a millisecond. */
const BYTES_AT_ONCE = 512 * 1024

/** The entries of adjacent lines in a segment, from `offset` on. Many megabytes are computed in pieces. */
export async function encodeChecksums({ pieces, lengths }: Lines, offset: number): Promise<Buffer> {
  // Memory of its own: an entry may wait for 100 ms, and would keep 64 KB of Node's shared buffer memory in use.
  const entries = Buffer.allocUnsafeSlow(lengths.length * ENTRY_BYTES)
  let line = 0
  let pauseAt = offset + BYTES_AT_ONCE
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; line++) {
      const length = lengths[line] as number
      const crc = crc32(piece.subarray(from, from + length))
      const at = line * ENTRY_BYTES
      entries.writeUInt32LE(offset, at)
      entries.writeUInt32LE(length, at + 4)
      entries.writeUInt32LE(crc, at + 8)
      entries.writeUInt32LE(entryCheck(offset, length, crc), at + 12)
      from += length
      offset += length
      if (offset < pauseAt) continue
      await turn()
      pauseAt = offset + BYTES_AT_ONCE
    }
  }
  return entries
}

/** The entry at byte `at`; undefined if it is not sound. */
export function decodeChecksum(entries: Buffer, at: number): ChecksumEntry | undefined {
  const offset = entries.readUInt32LE(at)
  const length = entries.readUInt32LE(at + 4)
  const crc = entries.readUInt32LE(at + 8)
  if (length === 0 || entries.readUInt32LE(at + 12) !== entryCheck(offset, length, crc)) return undefined
  return { offset, length, crc }
}

/** The entries of a checksum file, read forwards. Entries may be added to the file meanwhile. */
export class ChecksumCursor {
  readonly #path: string
  #entries: Buffer = Buffer.alloc(0)
  #loaded = 0
  #at = 0

  constructor(path: string) {
    this.#path = path
  }

  /** The first sound entry at or after `offset`. Offsets must not fall from call to call. */
  from(offset: number): ChecksumEntry | undefined {
    for (; this.#at < this.#entries.length; this.#at += ENTRY_BYTES) {
      const entry = decodeChecksum(this.#entries, this.#at)
      if (entry !== undefined && entry.offset >= offset) return entry
    }
    return undefined
  }

  /** Reads entries that were added to the file since the last call. */
  async refresh(): Promise<void> {
    const more = await readChecksums(this.#path, this.#loaded)
    const whole = more.length - (more.length % ENTRY_BYTES)
    if (whole === 0) return
    this.#entries = Buffer.concat([this.#entries.subarray(this.#at), more.subarray(0, whole)])
    this.#at = 0
    this.#loaded += whole
  }
}

/** The bytes of a checksum file from `from` to its end; none when there is no such file or it cannot be read. */
export async function readChecksums(path: string, from = 0): Promise<Buffer> {
  try {
    await using handle = await open(path)
    const { size } = await handle.stat()
    return await readAt(handle, from, Math.max(0, size - from))
  } catch {
    return Buffer.alloc(0)
  }
}
