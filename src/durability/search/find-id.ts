import { escapedId } from '../../model/record.ts'
import { LINE_FEED } from '../log/segment/lines.ts'
import type { Search } from './search.ts'

const KEY = Buffer.from('"messageId"')
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const SPACE = 0x20
/** The most bytes of an id that can be searched for. A JSON text may use six bytes for each of its characters. */
const MAX_ID_BYTES = 6 * 1024

/** The most records that one search finds in a place. */
export const MAX_RECORDS = 20

interface FoundLine {
  readonly position: number
  /** JSON, without the line feed. */
  readonly value: string
}

/** The records of an id in bytes that are whole lines, with the positions of their lines in these bytes. */
export async function searchLines(bytes: Buffer, { messageId, signal, background }: Search): Promise<FoundLine[]> {
  const wanted = Buffer.from(messageId)
  const found: FoundLine[] = []
  for (let key = bytes.indexOf(KEY); key >= 0 && found.length < MAX_RECORDS;) {
    let next = key + 1
    if (hasId(bytes, key, wanted)) {
      const position = bytes.lastIndexOf(LINE_FEED, key) + 1
      const end = bytes.indexOf(LINE_FEED, key)
      const value = bytes.toString('utf8', position, end)
      if (isRecordOf(value, messageId)) {
        found.push({ position, value })
        next = end
      }
    }
    if (background.isOver()) await background.slice()
    if (signal.aborted) break
    key = bytes.indexOf(KEY, next)
  }
  return found
}

/**
 * Whether the member at `at` has this id, whichever of its characters are escaped. Parses no line.
 *
 * @param wanted the bytes between the quotes if no character is escaped
 */
function hasId(bytes: Buffer, at: number, wanted: Buffer): boolean {
  let start = pastBlanks(bytes, at + KEY.length)
  if (bytes[start] !== COLON) return false
  start = pastBlanks(bytes, start + 1)
  if (bytes[start] !== QUOTE) return false
  start++
  const limit = Math.min(bytes.length, start + MAX_ID_BYTES)
  let isPlain = true
  let end = start
  for (; end < limit && bytes[end] !== QUOTE; end++) {
    if (bytes[end] !== BACKSLASH) continue
    isPlain = false
    end++
  }
  if (end >= limit) return false
  if (isPlain) return wanted.equals(bytes.subarray(start, end))
  return textOf(bytes.toString('utf8', start - 1, end + 1)) === wanted.toString()
}

/** Whether a record has the id: an event at its top level, a rejected record in its `event`. */
export function isRecordOf(value: string, messageId: string): boolean {
  try {
    const record = JSON.parse(value) as { messageId?: unknown; event?: { messageId?: unknown } | null }
    return [record.messageId, record.event?.messageId].some(id => typeof id === 'string' && escapedId(id) === messageId)
  } catch {
    return false
  }
}

function textOf(literal: string): string | undefined {
  try {
    return escapedId(String(JSON.parse(literal)))
  } catch {
    return undefined
  }
}

/** Skips white space between tokens of JSON. */
function pastBlanks(bytes: Buffer, at: number): number {
  while ((bytes[at] ?? COLON) <= SPACE) at++
  return at
}
