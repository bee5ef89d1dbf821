import type { EventType } from './event-types.ts'
import type { ReasonCode } from './reasons.ts'

export type RecordKind = 'event' | 'rejected' | 'violation'

/**
 * A record in the form that sinks take: an accepted event, enriched; a refused event with its reason (`{event, source,
 * type, path, code, pointer, message, receivedAt, library}`); or a violation, which is an event of the server itself
 * about an event that differs from its tracking plan. Its texts are ranges of buffers that all records of a request
 * share, so that no objects are created for a record that lives until it is durable.
 */
export interface OutgoingRecord {
  readonly kind: RecordKind
  /** The type of the event; `unknown` only for a refused event without one. */
  readonly type: EventType | 'unknown'
  /** Why it was refused; undefined for an accepted event. */
  readonly code: ReasonCode | undefined
  /**
   * Bytes [lineStart, lineEnd) are the record as one line of NDJSON: JSON in UTF-8 and a line feed. The lines of one
   * request are adjacent, so that a log can write them in one piece. The Kafka value is the line without its line feed.
   */
  readonly block: Buffer
  readonly lineStart: number
  readonly lineEnd: number
  /** In UTF-8: bytes [idStart, idEnd) are the messageId, empty if a refused event has none... */
  readonly texts: Buffer
  readonly idStart: number
  readonly idEnd: number
  /** ...and [keyStart, keyEnd) are Kafka's partition key: userId, else anonymousId; empty if there is neither. */
  readonly keyStart: number
  readonly keyEnd: number
  /** The source's id. */
  readonly source: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  /** The topics of the record, each once. */
  readonly topics: readonly string[]
}

/** The record's line with its line feed, as a view. */
export function lineOf({ block, lineStart, lineEnd }: Pick<OutgoingRecord, 'block' | 'lineStart' | 'lineEnd'>): Buffer {
  return block.subarray(lineStart, lineEnd)
}

export function messageIdOf({ texts, idStart, idEnd }: Pick<OutgoingRecord, 'texts' | 'idStart' | 'idEnd'>): string {
  return texts.toString('utf8', idStart, idEnd)
}

export function recordKey({ texts, keyStart, keyEnd }: Pick<OutgoingRecord, 'texts' | 'keyStart' | 'keyEnd'>): string {
  return texts.toString('utf8', keyStart, keyEnd)
}

/** Puts texts into a new buffer, in the form of a record. */
export function textsOf(messageId: string, key: string): Pick<OutgoingRecord, 'texts' | TextBounds> {
  const id = toBytes(messageId)
  const before = messageId.isWellFormed() ? NOTHING : IS_SPELLED
  const texts = before.length === 0 && key === '' ? id : Buffer.concat([before, id, toBytes(key)])
  const idEnd = before.length + id.length
  return { texts, idStart: before.length, idEnd, keyStart: idEnd, keyEnd: texts.length }
}

type TextBounds = 'idStart' | 'idEnd' | 'keyStart' | 'keyEnd'

const NOTHING = Buffer.alloc(0)
/** The prefix of an escaped id: a byte that occurs in no UTF-8 text. */
const IS_SPELLED = Buffer.of(0xff)

function toBytes(text: string): Buffer {
  return Buffer.from(escapedId(text))
}

/**
 * The form of an id for people and URLs. Half of a surrogate pair has no bytes in UTF-8. It is escaped as in JSON, so
 * that two such ids stay different.
 */
export function escapedId(text: string): string {
  return text.isWellFormed() ? text : JSON.stringify(text).slice(1, -1)
}

/**
 * The start of the bytes, up to `idEnd`, that no other id has: an escaped id differs from an id that looks the same.
 */
export function uniqueIdStart({ texts, idStart }: Pick<OutgoingRecord, 'texts' | 'idStart'>): number {
  return idStart > 0 && texts[idStart - 1] === IS_SPELLED[0] ? idStart - 1 : idStart
}

/** Creates a record with buffers of its own. */
export function createRecord(
  parts: Omit<OutgoingRecord, 'block' | 'lineStart' | 'lineEnd' | 'texts' | TextBounds> & {
    readonly line: Buffer
    readonly messageId: string
    readonly key: string
  }
): OutgoingRecord {
  const { kind, type, code, line, messageId, key, source, receivedAt, topics } = parts
  const place = { block: line, lineStart: 0, lineEnd: line.length }
  return { kind, type, code, ...place, ...textsOf(messageId, key), source, receivedAt, topics }
}

/** The default headers of a record in Kafka; a rejected record has `code` instead of `type`. */
export const RECORD_HEADERS = ['type', 'source', 'messageId', 'receivedAt'] as const
/** All headers that can be chosen. */
export const CHOOSABLE_HEADERS = [...RECORD_HEADERS, 'traceparent'] as const
export type RecordHeader = (typeof CHOOSABLE_HEADERS)[number]

/**
 * The compression of a batch's records on the way to Kafka. A topic may have another compression for what it stores.
 */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof COMPRESSIONS)[number]

/** The name of the HTTP header, of the record's header in Kafka, and of the member of the line. */
export const TRACEPARENT = 'traceparent'

/** What version 00 defines: version, trace id, parent id, flags. Version ff is forbidden, and so are ids of zeros. */
const FORM = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/
const CHARS = 55
const BEFORE = `,"${TRACEPARENT}":"`
const AFTER = '"}\n'
const BEFORE_BYTES = Buffer.from(BEFORE)

/**
 * Parses a `traceparent` header in the form of W3C Trace Context. Undefined if the value is not valid; it must then be
 * ignored. Of a later version, only the part that version 00 defines is kept.
 *
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const isLater = value.length > CHARS && !value.startsWith('00') && value[CHARS] === '-'
  const known = isLater ? value.slice(0, CHARS) : value
  return FORM.test(known) ? known : undefined
}

/**
 * The end of a record's line: its last member, or nothing, and the closing brace. A line carries the value itself, because
 * a record that waits on disk is only its line.
 */
export function lineSuffix(traceparent: string | undefined): string {
  return traceparent === undefined ? '}' : `${BEFORE}${traceparent}"}`
}

/**
 * The bytes of the value that lineSuffix() has written at the end of a record's line; undefined if there is none. A
 * member with the same name that the client has sent is at another position.
 */
export function traceparentOf({ block, lineStart, lineEnd }: OutgoingRecord): Buffer | undefined {
  const end = lineEnd - AFTER.length
  const start = end - CHARS
  const memberStart = start - BEFORE_BYTES.length
  if (memberStart < lineStart || !block.subarray(memberStart, start).equals(BEFORE_BYTES)) return undefined
  return block.subarray(start, end)
}
