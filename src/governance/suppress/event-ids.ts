import { isUtf8 } from 'node:buffer'
import type { GoodEvent } from '../../ingest/judge/good-event.ts'
import type { ParsedBody } from '../../ingest/parse/body.ts'
import type { BadEvent } from '../../ingest/judge/judge.ts'
import { KEY } from '../../ingest/parse/known-keys.ts'
import { textAt } from '../text-at.ts'

/** The members that identify a user. */
const ID_KEYS: ReadonlySet<number> = new Set([KEY.userId, KEY.anonymousId, KEY.previousId])

/** Whether an event is about one of the users. An event that cannot be parsed is about every user that it quotes. */
export function namesOneOf(event: GoodEvent | BadEvent, body: ParsedBody, has: (id: string) => boolean): boolean {
  const { scan } = event
  if (!scan.sound || !scan.isObject || event.fault?.code === 'invalid_utf8') {
    return quotesOneOf(body.bytes.subarray(scan.start, scan.end), has)
  }
  for (let place = 0; place < scan.size; place++) {
    if (!ID_KEYS.has(scan.numberAt(place))) continue
    const id = textAt(scan, place, body)
    if (id !== undefined && has(id)) return true
  }
  return false
}

/** The event's messageId; empty if it has none, or if it contains one of its user's ids. */
export function shownMessageId(event: GoodEvent | BadEvent, body: ParsedBody): string {
  const { scan } = event
  const messageId = textAt(scan, scan.find(KEY.messageId), body)
  if (messageId === undefined) return ''
  for (let at = 0; at < scan.size; at++) {
    const id = ID_KEYS.has(scan.numberAt(at)) ? textAt(scan, at, body) : undefined
    if (id !== undefined && id !== '' && messageId.includes(id)) return ''
  }
  return messageId
}

const QUOTES = /(?<!\\)["']/
const MAX_PIECES = 10_000

/** Where texts begin and end in bytes that are not JSON: at quotes that are not escaped, and at separators of words. */
const BORDERS = /(?<!\\)["']|[\s,:;&=(){}[\]<>]/

/**
 * Whether bytes that are not JSON contain the id of one of the users, between any two quotes or as a word. Bytes that
 * are not UTF-8 may contain any id: true.
 */
export function quotesOneOf(bytes: Buffer, has: (id: string) => boolean): boolean {
  if (!isUtf8(bytes)) return true
  const text = bytes.toString()
  const pieces = new Set([...text.split(QUOTES, MAX_PIECES).map(unescaped), ...text.split(BORDERS, MAX_PIECES)])
  // Each look-up may compute a digest, so bytes with more pieces are not searched, and count as containing an id.
  return pieces.size >= MAX_PIECES || [...pieces].some(has)
}

function unescaped(piece: string): string {
  if (!piece.includes('\\')) return piece
  try {
    return JSON.parse(`"${piece}"`) as string
  } catch {
    return piece
  }
}
