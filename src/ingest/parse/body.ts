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

/** The value, where it is an object; undefined for arrays, null and all else. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

/** A body taken apart: its events by their bytes, and what they share. */
export interface ParsedBody extends BodyText {
  readonly bytes: Buffer
  /** Empty after release(). */
  readonly events: readonly Scan[]
  readonly envelope: Envelope
  /** Stray separators between its events were written over. */
  readonly isRepaired: boolean
  /** The events that are not UTF-8, by index; undefined where all of the body is. */
  readonly brokenTexts: ReadonlySet<number> | undefined
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
  readonly scan: Scan
  readonly value: JsonObject
  /** It can be part of no event: nothing in it was looked at, and both of the above are those of an empty object. */
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

/** A byte order mark is allowed to be ignored (RFC 8259, section 8.1); .NET programs send it. */
const BOM_BYTES = 3

export interface ParseOptions {
  readonly endpoint: 'single' | 'batch'
  readonly limits: Pick<Limits, 'maxBatchEvents' | 'maxEventBytes' | 'ofSource'>
  /**
   * A batch may have commas and NULs between its events that separate nothing, and an event that is not UTF-8 is that
   * event's fault alone. Default: false.
   */
  readonly isLenient?: boolean
}

/**
 * Takes a whole body apart. A fault is one of the whole request (not UTF-8, not a JSON object, too many events);
 * what is wrong with one event only is found later, so that it does not cost the others.
 */
export function parseBody(bytes: Buffer, options: ParseOptions): ParseResult {
  const texts = bodyTextOf(bytes)
  const parsed = texts === undefined ? refuse(fault('invalid_utf8')) : takeApart(bytes, texts, options)
  if (parsed.ok || !isWorthMore(parsed.fault, options)) return parsed
  return parseLeniently(bytes, options, parsed.fault) ?? parsed
}

/** What only a second look may take: the first one costs nothing for it. */
function isWorthMore({ code }: Fault, { endpoint, isLenient = false }: ParseOptions): boolean {
  return isLenient && endpoint === 'batch' && (code === 'invalid_json' || code === 'invalid_utf8')
}

/** Undefined where the body is to be refused; then its bytes are as they were. */
function parseLeniently(bytes: Buffer, options: ParseOptions, { code }: Fault): ParseResult | undefined {
  const original = Buffer.from(bytes)
  const asItIs = code === 'invalid_utf8' ? parseAnyText(bytes, options) : undefined
  const parsed = asItIs ?? parseRepaired(bytes, options)
  if (parsed === undefined) original.copy(bytes)
  return parsed
}

function parseRepaired(bytes: Buffer, options: ParseOptions): ParseResult | undefined {
  const elements = blankStraySeparators(bytes, afterByteOrderMark(bytes), options.limits.maxBatchEvents)
  const body = elements === undefined ? undefined : parseAnyText(bytes, options)?.body
  if (body === undefined || !isSameElements(elements ?? [], body.events)) return undefined
  return { ok: true, body: { ...body, isRepaired: true } }
}

/** As takeApart(), where only events may be no UTF-8; undefined where that is refused. */
function parseAnyText(bytes: Buffer, options: ParseOptions): (ParseResult & { ok: true }) | undefined {
  const texts = bodyTextOf(bytes)
  const parsed = takeApart(bytes, texts ?? anyTextOf(bytes), options)
  if (!parsed.ok || texts !== undefined) return parsed.ok ? parsed : undefined
  const { scan } = parsed.body.envelope
  const brokenTexts = scan === undefined ? undefined : brokenTextsOf(bytes, scan)
  return brokenTexts === undefined ? undefined : { ok: true, body: { ...parsed.body, brokenTexts } }
}

/** Where the text of a body begins: behind a byte order mark. */
export function afterByteOrderMark(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? BOM_BYTES : 0
}

function takeApart(bytes: Buffer, texts: BodyText, options: ParseOptions): ParseResult {
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
  const { text } = texts
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

/** Undefined for what is no object: neither null, for absent, nor an empty array (PHP) has anything to share. */
function sharedObject(
  envelope: Scan,
  key: 'context' | 'integrations',
  { bytes, text, limits }: { bytes: Buffer; text: TextOf; limits: ParseOptions['limits'] }
): SharedObject | undefined {
  const place = envelope.find(KEY[key])
  if (place < 0 || envelope.kindAt(place) !== KIND.object) return undefined
  const [start, end] = [envelope.valueStartAt(place), envelope.valueEndAt(place)]
  // Level 1 is the event that it is merged into.
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
    // The event is parsed as a whole later, and refused there with its reason.
    return undefined
  }
}

function refuse(what: Fault): ParseResult {
  return { ok: false, fault: what }
}
