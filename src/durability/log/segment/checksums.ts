import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { Lines } from '../contract.ts'

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

export interface ChecksumCursor {
  /** The first sound entry at or after `offset`. Offsets must not fall from call to call. */
  from(offset: number): ChecksumEntry | undefined
  /** Reads entries that were added to the file since the last call. */
  refresh(): Promise<void>
}

/** Entries in memory, in order. */
export function createChecksumCursor(read: (from: number) => Promise<Buffer>): ChecksumCursor {
  let entries: Buffer = Buffer.alloc(0)
  let loaded = 0
  let at = 0

  return {
    from(offset) {
      for (; at < entries.length; at += ENTRY_BYTES) {
        const entry = decodeChecksum(entries, at)
        if (entry !== undefined && entry.offset >= offset) return entry
      }
      return undefined
    },
    async refresh() {
      const more = await read(loaded)
      const whole = more.length - (more.length % ENTRY_BYTES)
      if (whole === 0) return
      entries = Buffer.concat([entries.subarray(at), more.subarray(0, whole)])
      at = 0
      loaded += whole
    }
  }
}

/** The bytes of a checksum file from `from` to its end; none when there is no such file or it cannot be read. */
export async function readChecksums(path: string, from: number): Promise<Buffer> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const { size } = await handle.stat()
    if (size <= from) return Buffer.alloc(0)
    const bytes = Buffer.allocUnsafe(size - from)
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from)
    return bytes.subarray(0, bytesRead)
  } catch {
    return Buffer.alloc(0)
  } finally {
    await handle?.close().catch(() => undefined)
  }
}
