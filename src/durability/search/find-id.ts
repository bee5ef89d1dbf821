import { escapedId } from '../../model/record.ts'

const KEY = Buffer.from('"messageId"')
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const SPACE = 0x20
/** The most bytes of an id that can be searched for. A JSON text may use six bytes for each of its characters. */
const MAX_ID_BYTES = 6 * 1024

/** A messageId to search for in the bytes of records. */
export interface WantedId {
  /** The id as escapedId() returns it. */
  readonly text: string
  /** The bytes between the quotes if no character is escaped. */
  readonly bytes: Buffer
}

export function wantedId(text: string): WantedId {
  return { text, bytes: Buffer.from(text) }
}

/** The position of the next member named messageId, from `from` on; -1 if there is none. */
export function nextIdKey(bytes: Buffer, from: number): number {
  return bytes.indexOf(KEY, from)
}

/** Whether the member at `at` has this id, whichever of its characters are escaped. Parses no line. */
export function hasId(bytes: Buffer, at: number, wanted: WantedId): boolean {
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
  if (isPlain) return end - start === wanted.bytes.length && wanted.bytes.compare(bytes, start, end) === 0
  return textOf(bytes.toString('utf8', start - 1, end + 1)) === wanted.text
}

/** Whether a record has the id: an event at its top level, a rejected record in its `event`. */
export function isRecordOf(value: string, { text }: WantedId): boolean {
  try {
    const record = JSON.parse(value) as { messageId?: unknown; event?: { messageId?: unknown } | null }
    return [record.messageId, record.event?.messageId].some(id => typeof id === 'string' && escapedId(id) === text)
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
