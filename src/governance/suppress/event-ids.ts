import { isUtf8 } from 'node:buffer'
import type { GoodEvent } from '../../ingest/judge/good-event.ts'
import type { ParsedBody } from '../../ingest/parse/body.ts'
import type { BadEvent } from '../../ingest/judge/judge.ts'
import { KEY } from '../../ingest/parse/known-keys.ts'
import { textAt } from '../text-at.ts'

/** The members that name a user. */
const ID_KEYS: ReadonlySet<number> = new Set([KEY.userId, KEY.anonymousId, KEY.previousId])

/** Whether an event is about one of the users. One that cannot be read is about each whom it names in quotes. */
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

/** The event's messageId; empty where it has none, or where it contains one of its user's ids. */
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

/** Where texts begin and end in what is not JSON: any quote that is not escaped, and what separates words elsewhere. */
const BORDERS = /(?<!\\)["']|[\s,:;&=(){}[\]<>]/

/**
 * Whether bytes that are not JSON quote one of the users: between any two quotes, or as a word. Of bytes that are not UTF-8
 * nothing is known, so they may.
 */
export function quotesOneOf(bytes: Buffer, has: (id: string) => boolean): boolean {
  if (!isUtf8(bytes)) return true
  const text = bytes.toString()
  const pieces = new Set([...text.split(QUOTES, MAX_PIECES).map(unescaped), ...text.split(BORDERS, MAX_PIECES)])
  // Each look-up may cost a digest: what has more pieces is not looked through.
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
