import { fault } from '../../model/reasons.ts'
import type { Fault } from '../../model/reasons.ts'
import type { Limits } from '../../model/limits.ts'
import { MAX_DEPTH_LEVELS, setterOf } from '../../model/limits.ts'
import { isZeroTime } from './absent.ts'
import type { BodyText, TextOf } from './body-text.ts'
import { anyTextOf, bodyTextOf } from './body-text.ts'
import { KEY } from './known-keys.ts'
import { blankStraySeparators, brokenTextsOf, isSameElements } from './repair.ts'
import type { EnvelopeScan, Scan } from './scan-result.ts'
import { KIND } from './scan-result.ts'
import { scanEnvelope, ScanError, scanObject } from './scan.ts'
import { toInstant } from './time.ts'

export type JsonObject = Record<string, unknown>

/** The value if it is an object; undefined for arrays, null and all other values. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

/** A body split into its events and the members that they share. */
export interface ParsedBody extends BodyText {
  readonly bytes: Buffer
  /** Empty after release(). */
  readonly events: readonly Scan[]
  readonly envelope: Envelope
  /** True if stray separators between the events were overwritten with blanks. */
  readonly isRepaired: boolean
  /** The indexes of events that are not UTF-8; undefined if the whole body is UTF-8. */
  readonly brokenTexts: ReadonlySet<number> | undefined
  /** Frees the scans after the records are written, because a request waits much longer for its fsync. */
  release(): void
}

/** The members that a batch has once for all its events. For a single call only `writeKey` can be set. */
export interface Envelope {
  /** Top-level `writeKey` of the body, if it is a string. */
  readonly writeKey: string | undefined
  /** `sentAt` as the client's JSON, with its quotes, and its instant in milliseconds since the epoch. */
  readonly sentAt: { readonly json: string; readonly time: number } | undefined
  readonly context: SharedObject | undefined
  readonly integrations: SharedObject | undefined
  /** The scan of the body, for validation; undefined for a single call. */
  readonly scan: EnvelopeScan | undefined
}

/** An object of the envelope that is merged into each event; the event's own members take precedence. */
export interface SharedObject {
  readonly scan: Scan
  readonly value: JsonObject
  /** Why the object cannot be part of an event; it was then not scanned, and `scan` and `value` are those of `{}`. */
  readonly fault: Fault | undefined
}

export type ParseResult =
  | { readonly ok: true; readonly body: ParsedBody }
  | { readonly ok: false; readonly fault: Fault }

const NOTHING_SHARED = { scan: scanObject(Buffer.from('{}')), value: {} } as const

const EMPTY_ENVELOPE: Envelope = {
  writeKey: undefined,
  sentAt: undefined,
  context: undefined,
  integrations: undefined,
  scan: undefined
}

/** The length of a byte order mark. A parser may ignore it (RFC 8259, section 8.1), and .NET programs send it. */
const BOM_BYTES = 3

export interface ParseOptions {
  readonly endpoint: 'single' | 'batch'
  readonly limits: Pick<Limits, 'maxBatchEvents' | 'maxEventBytes' | 'ofSource'>
  /**
   * True: accepts a batch with stray commas and NULs between its events, and an event that is not UTF-8 does not affect the
   * other events of its batch. Default: false.
   */
  readonly isLenient?: boolean
}

/**
 * Splits a body into its events. The result is a fault only if the whole request is invalid (not UTF-8, not a JSON object,
 * too many events). Faults of single events are found later, so that they do not affect the other events.
 */
export function parseBody(bytes: Buffer, options: ParseOptions): ParseResult {
  const texts = bodyTextOf(bytes)
  const parsed = texts === undefined ? refuse(fault('invalid_utf8')) : splitBody(bytes, texts, options)
  if (parsed.ok || !mayParseLeniently(parsed.fault, options)) return parsed
  return parseLeniently(bytes, options, parsed.fault) ?? parsed
}

/** Whether a refused body is parsed again leniently. Valid bodies are parsed once and pay nothing for this. */
function mayParseLeniently({ code }: Fault, { endpoint, isLenient = false }: ParseOptions): boolean {
  return isLenient && endpoint === 'batch' && (code === 'invalid_json' || code === 'invalid_utf8')
}

/** Undefined if the body stays refused; its bytes are then restored. */
function parseLeniently(bytes: Buffer, options: ParseOptions, { code }: Fault): ParseResult | undefined {
  const original = Buffer.from(bytes)
  const unrepaired = code === 'invalid_utf8' ? parseAnyText(bytes, options) : undefined
  const parsed = unrepaired ?? parseRepaired(bytes, options)
  if (parsed === undefined) original.copy(bytes)
  return parsed
}

function parseRepaired(bytes: Buffer, options: ParseOptions): ParseResult | undefined {
  const elements = blankStraySeparators(bytes, afterByteOrderMark(bytes), options.limits.maxBatchEvents)
  const body = elements === undefined ? undefined : parseAnyText(bytes, options)?.body
  if (body === undefined || !isSameElements(elements ?? [], body.events)) return undefined
  return { ok: true, body: { ...body, isRepaired: true } }
}

/** As splitBody(), for a body in which only events may be invalid UTF-8; undefined if the body is refused. */
function parseAnyText(bytes: Buffer, options: ParseOptions): (ParseResult & { ok: true }) | undefined {
  const texts = bodyTextOf(bytes)
  const parsed = splitBody(bytes, texts ?? anyTextOf(bytes), options)
  if (!parsed.ok || texts !== undefined) return parsed.ok ? parsed : undefined
  const { scan } = parsed.body.envelope
  const brokenTexts = scan === undefined ? undefined : brokenTextsOf(bytes, scan)
  return brokenTexts === undefined ? undefined : { ok: true, body: { ...parsed.body, brokenTexts } }
}

/** The position of a body's first byte after a byte order mark. */
export function afterByteOrderMark(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? BOM_BYTES : 0
}

function splitBody(bytes: Buffer, texts: BodyText, options: ParseOptions): ParseResult {
  const { text } = texts
  const start = afterByteOrderMark(bytes)
  try {
    if (options.endpoint === 'single') {
      const event = scanObject(bytes, { start, text, isEvent: true })
      const writeKey = stringMember(event, KEY.writeKey, text)
      return { ok: true, body: makeBody(bytes, texts, [event], { ...EMPTY_ENVELOPE, writeKey }) }
    }
    const scan = scanEnvelope(bytes, options.limits.maxBatchEvents, { start, text })
    return scan === undefined ? refuseTooMany(options) : parseEnvelope(scan, bytes, texts, options)
  } catch (error) {
    if (error instanceof ScanError)
      return refuse(fault('invalid_json', '', `the body is not valid JSON (near byte ${error.position})`))
    if (error instanceof SyntaxError) return refuse(fault('invalid_json'))
    throw error
  }
}

function parseEnvelope(scan: EnvelopeScan, bytes: Buffer, texts: BodyText, options: ParseOptions): ParseResult {
  // Members of the envelope live as long as the request, and a slice of a window would keep 32 KB alive with each of them.
  const { ownText: text } = texts
  const { limits } = options
  if (scan.repeatedKey !== undefined)
    return refuse(
      fault('duplicate_key', '', `the key "${scan.repeatedKey}" occurs twice at the top level of the batch`)
    )
  const envelope: Envelope = {
    writeKey: stringMember(scan.whole, KEY.writeKey, text),
    sentAt: readSentAt(scan.whole, text),
    context: sharedObject(scan.whole, 'context', { bytes, text, limits }),
    integrations: sharedObject(scan.whole, 'integrations', { bytes, text, limits }),
    scan
  }
  return { ok: true, body: makeBody(bytes, texts, scan.elements ?? [], envelope) }
}

function refuseTooMany({ limits }: ParseOptions): ParseResult {
  const setter = setterOf(limits, 'maxBatchEvents')
  return refuse(fault('too_many_events', '/batch', `a batch has at most ${limits.maxBatchEvents} events (${setter})`))
}

function makeBody(bytes: Buffer, texts: BodyText, events: Scan[], envelope: Envelope): ParsedBody {
  return {
    bytes,
    ...texts,
    events,
    envelope,
    isRepaired: false,
    brokenTexts: undefined,
    release: () => {
      events.length = 0
    }
  }
}

function parseAt(scan: Scan, place: number, text: TextOf): unknown {
  return JSON.parse(text(scan.valueStartAt(place), scan.valueEndAt(place)))
}

/** Undefined if the value is no object: null counts as absent, and PHP's SDK writes an empty object as []. */
function sharedObject(
  envelope: Scan,
  key: 'context' | 'integrations',
  { bytes, text, limits }: { bytes: Buffer; text: TextOf; limits: ParseOptions['limits'] }
): SharedObject | undefined {
  const place = envelope.find(KEY[key])
  if (place < 0 || envelope.kindAt(place) !== KIND.object) return undefined
  const [start, end] = [envelope.valueStartAt(place), envelope.valueEndAt(place)]
  // The object is one level deeper in the event into which it is merged.
  if (envelope.depthAt(place) >= MAX_DEPTH_LEVELS) return { ...NOTHING_SHARED, fault: fault('too_deep', `/${key}`) }
  const { maxEventBytes } = limits
  if (end - start > maxEventBytes) {
    const most = `${maxEventBytes} (${setterOf(limits, 'maxEventBytes')})`
    const why = `the batch's ${key} has ${end - start} bytes; an event has at most ${most}`
    return { ...NOTHING_SHARED, fault: fault('payload_too_large', `/${key}`, why) }
  }
  const scan = scanObject(bytes, { start, end, text })
  return { scan, value: parseAt(envelope, place, text) as JsonObject, fault: undefined }
}

function readSentAt(envelope: Scan, text: TextOf): Envelope['sentAt'] {
  const sentAt = stringMember(envelope, KEY.sentAt, text)
  const time = toInstant(sentAt)
  if (Number.isNaN(time) || isZeroTime(sentAt)) return undefined
  const place = envelope.find(KEY.sentAt)
  return { json: text(envelope.valueStartAt(place), envelope.valueEndAt(place)), time }
}

function stringMember(scan: Scan, key: number, text: TextOf): string | undefined {
  const place = scan.find(key)
  if (place < 0) return undefined
  try {
    const isString = text(scan.valueStartAt(place), scan.valueStartAt(place) + 1) === '"'
    const value = isString ? parseAt(scan, place, text) : undefined
    return typeof value === 'string' ? value : undefined
  } catch {
    // The event is parsed as a whole later, and refused there.
    return undefined
  }
}

function refuse(what: Fault): ParseResult {
  return { ok: false, fault: what }
}
