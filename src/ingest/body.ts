import { fault } from '../model/reasons.ts'
import type { Fault } from '../model/reasons.ts'
import type { Limits } from '../model/limits.ts'
import { MAX_DEPTH_LEVELS } from '../model/limits.ts'
import type { BodyText, TextOf } from './body-text.ts'
import { bodyTextOf } from './body-text.ts'
import { OPEN_BRACE } from './json-bytes.ts'
import type { ElementScan, EnvelopeScan, Member, ObjectScan } from './scan-result.ts'
import { findMember } from './scan-result.ts'
import { scanEnvelope, ScanError, scanObject } from './scan.ts'
import { toInstant } from './time.ts'

export type JsonObject = Record<string, unknown>

/** The value, where it is an object; undefined for arrays, null and all else. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

/** A body taken apart: its events by their bytes, and what they share. */
export interface ParsedBody extends BodyText {
  readonly bytes: Buffer
  /** Empty after release(). */
  readonly events: readonly ElementScan[]
  readonly envelope: Envelope
  /** Lets go of what only the writing of records needs, since a request waits for its fsync longer than that. */
  release(): void
}

/** What a batch says once for all its events. For a single call it is empty, but for the key. */
export interface Envelope {
  /** Top-level `writeKey` of the body, where it is a string. */
  readonly writeKey: string | undefined
  /** `sentAt` as the client spelled it, quotes included, and the instant it means. */
  readonly sentAt: { readonly json: string; readonly time: number } | undefined
  readonly context: SharedObject | undefined
  readonly integrations: SharedObject | undefined
  /** The body as it was taken apart, to be judged by the contract; undefined for a single call. */
  readonly scan: EnvelopeScan | undefined
}

/** An object of the envelope that is merged under each event's own. */
export interface SharedObject {
  readonly scan: Pick<ObjectScan, 'hasLineBreaks' | 'suspectKeys'> & { readonly members: readonly Member[] }
  readonly value: JsonObject
  /** It can be part of no event: nothing in it was looked at, and both of the above are empty. */
  readonly fault: Fault | undefined
}

export type ParseResult =
  | { readonly ok: true; readonly body: ParsedBody }
  | { readonly ok: false; readonly fault: Fault }

const NOTHING_SHARED = { scan: { members: [], hasLineBreaks: false, suspectKeys: false }, value: {} } as const

const EMPTY_ENVELOPE: Envelope = {
  writeKey: undefined,
  sentAt: undefined,
  context: undefined,
  integrations: undefined,
  scan: undefined
}

/** A byte order mark is allowed to be ignored (RFC 8259, section 8.1); .NET programs send it. */
const BOM_BYTES = 3

export interface ParseOptions {
  readonly endpoint: 'single' | 'batch'
  readonly limits: Pick<Limits, 'maxBatchEvents' | 'maxEventBytes'>
}

/**
 * Takes a whole body apart. A fault is one of the whole request (not UTF-8, not a JSON object, too many events);
 * what is wrong with one event only is found later, so that it does not cost the others.
 */
export function parseBody(bytes: Buffer, options: ParseOptions): ParseResult {
  const texts = bodyTextOf(bytes)
  if (texts === undefined) return refuse(fault('invalid_utf8'))
  const { text } = texts
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? BOM_BYTES : 0
  try {
    if (options.endpoint === 'single') {
      const event = scanObject(bytes, { start, text })
      const writeKey = stringMember(event, 'writeKey', text)
      return { ok: true, body: makeBody(bytes, texts, [event], { ...EMPTY_ENVELOPE, writeKey }) }
    }
    const envelope = scanEnvelope(bytes, options.limits.maxBatchEvents, { start, text })
    return parseEnvelope(envelope, bytes, texts, options)
  } catch (error) {
    if (error instanceof ScanError)
      return refuse(fault('invalid_json', '', `the body is not valid JSON (near byte ${error.position})`))
    if (error instanceof SyntaxError) return refuse(fault('invalid_json'))
    throw error
  }
}

function parseEnvelope(scan: EnvelopeScan, bytes: Buffer, texts: BodyText, options: ParseOptions): ParseResult {
  const { text } = texts
  const { maxBatchEvents, maxEventBytes } = options.limits
  if (scan.overLimit) return refuse(fault('too_many_events', '/batch', `a batch has at most ${maxBatchEvents} events`))
  if (scan.repeatedKey !== undefined)
    return refuse(
      fault('duplicate_key', '', `the key "${scan.repeatedKey}" occurs twice at the top level of the batch`)
    )
  const envelope: Envelope = {
    writeKey: stringMember(scan, 'writeKey', text),
    sentAt: readSentAt(scan, text),
    context: sharedObject(scan, 'context', { bytes, text, maxEventBytes }),
    integrations: sharedObject(scan, 'integrations', { bytes, text, maxEventBytes }),
    scan
  }
  return { ok: true, body: makeBody(bytes, texts, scan.elements ?? [], envelope) }
}

function makeBody(bytes: Buffer, texts: BodyText, events: ElementScan[], envelope: Envelope): ParsedBody {
  return {
    bytes,
    ...texts,
    events,
    envelope,
    release: () => {
      events.length = 0
    }
  }
}

function parseMember(member: Member, text: TextOf): unknown {
  return JSON.parse(text(member.valueStart, member.valueEnd))
}

/** Undefined for what is no object: neither null, for absent, nor an empty array (PHP) has anything to share. */
function sharedObject(
  envelope: EnvelopeScan,
  key: string,
  { bytes, text, maxEventBytes }: { bytes: Buffer; text: TextOf; maxEventBytes: number }
): SharedObject | undefined {
  const member = findMember(envelope.members, key)
  if (member === undefined || bytes[member.valueStart] !== OPEN_BRACE) return undefined
  const { valueStart, valueEnd, depth } = member
  const length = valueEnd - valueStart
  // Level 1 is the event that it is merged into.
  if (depth >= MAX_DEPTH_LEVELS) return { ...NOTHING_SHARED, fault: fault('too_deep', `/${key}`) }
  if (length > maxEventBytes) {
    const why = `the batch's ${key} has ${length} bytes; an event has at most ${maxEventBytes}`
    return { ...NOTHING_SHARED, fault: fault('payload_too_large', `/${key}`, why) }
  }
  const scan = scanObject(bytes, { start: valueStart, end: valueEnd, text })
  return { scan, value: parseMember(member, text) as JsonObject, fault: undefined }
}

function readSentAt(scan: ObjectScan, text: TextOf): Envelope['sentAt'] {
  const value = stringMember(scan, 'sentAt', text)
  const time = toInstant(value)
  if (Number.isNaN(time)) return undefined
  const { valueStart, valueEnd } = findMember(scan.members, 'sentAt') as Member
  return { json: text(valueStart, valueEnd), time }
}

function stringMember(scan: ObjectScan, key: string, text: TextOf): string | undefined {
  const member = findMember(scan.members, key)
  if (member === undefined) return undefined
  try {
    const value = text(member.valueStart, member.valueStart + 1) === '"' ? parseMember(member, text) : undefined
    return typeof value === 'string' ? value : undefined
  } catch {
    // The event is parsed as a whole later, and refused there with its reason.
    return undefined
  }
}

function refuse(what: Fault): ParseResult {
  return { ok: false, fault: what }
}
