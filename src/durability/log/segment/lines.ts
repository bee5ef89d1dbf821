import { isUtf8 } from 'node:buffer'
import { crc32 } from 'node:zlib'
import type { ChecksumCursor } from './checksums.ts'

export const LINE_FEED = 10

/**
 * The most bytes of a line, far more than one request may publish. A longer run of bytes without a line feed is damage.
 */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

/** Whether a line (line feed included) is a JSON object in UTF-8. */
function isRecord(line: Buffer): boolean {
  if (line[0] !== 0x7b || line.length > MAX_LINE_BYTES || !isUtf8(line)) return false
  try {
    JSON.parse(line.toString())
    return true
  } catch {
    return false
  }
}

export interface Split {
  /** Sound lines, with their line feeds, as views of the given bytes. */
  readonly lines: Buffer[]
  /** The position in the segment of each of `lines`. */
  readonly offsets: number[]
  /** Ranges that are no records. Adjacent ranges are joined. */
  readonly damaged: { offset: number; bytes: number }[]
  /** Where the next split begins: an incomplete line at the end of the bytes is left for it. */
  readonly next: number
}

interface SplitOptions {
  readonly bytes: Buffer
  /** The position of the bytes in the segment. */
  readonly offset: number
  /** No bytes follow, so an incomplete line is damage. */
  readonly complete: boolean
  readonly checksums: ChecksumCursor
}

/**
 * Splits bytes of a segment into lines. If a line has a checksum, the checksum decides, and it shows where the line
 * ends even if the line feed is damaged. Otherwise a line ends at a line feed, and is sound if it is a JSON object.
 */
export function splitLines(options: SplitOptions): Split {
  const { bytes, offset } = options
  const split: Omit<Split, 'next'> = { lines: [], offsets: [], damaged: [] }
  let at = 0
  while (at < bytes.length) {
    const found = nextLine(options, at)
    if (found === undefined) break
    if (found.sound) {
      split.lines.push(bytes.subarray(at, found.end))
      split.offsets.push(offset + at)
    } else {
      addDamage(split.damaged, offset + at, found.end - at)
    }
    at = found.end
  }
  return { ...split, next: offset + at }
}

/** Where the line at `at` ends, and whether it is sound; undefined if the bytes end within the line. */
function nextLine(options: SplitOptions, at: number): { end: number; sound: boolean } | undefined {
  const { bytes, offset, complete } = options
  const entry = options.checksums.from(offset + at)
  const covered = entry === undefined ? bytes.length : entry.offset - offset
  if (entry !== undefined && covered === at) {
    const end = at + entry.length
    if (end <= bytes.length) return { end, sound: crc32(bytes.subarray(at, end)) === entry.crc }
    return complete ? { end: bytes.length, sound: false } : undefined
  }
  const limit = Math.min(covered, bytes.length)
  const length = bytes.subarray(at, limit).indexOf(LINE_FEED) + 1
  if (length > 0) return { end: at + length, sound: isRecord(bytes.subarray(at, at + length)) }
  return limit < bytes.length || complete ? { end: limit, sound: false } : undefined
}

function addDamage(damaged: Split['damaged'], offset: number, bytes: number): void {
  const last = damaged.at(-1)
  if (last !== undefined && last.offset + last.bytes === offset) last.bytes += bytes
  else damaged.push({ offset, bytes })
}

/**
 * The length that remains when everything at the end that is no record is cut off: a torn line, zeros after a power
 * loss, or a complete line that is not JSON. Undefined if the end lies before these bytes (`atStart` is false).
 */
export function intactLength(bytes: Buffer, atStart: boolean): number | undefined {
  let end = bytes.length
  while (end > 0) {
    const start = end === 1 ? 0 : bytes.lastIndexOf(LINE_FEED, end - 2) + 1
    if (start === 0 && !atStart) return undefined
    if (bytes[end - 1] === LINE_FEED && isRecord(bytes.subarray(start, end))) return end
    end = start
  }
  return atStart ? 0 : undefined
}
