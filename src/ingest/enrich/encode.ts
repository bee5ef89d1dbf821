import type { OutgoingRecord } from '../../model/record.ts'
import { lineSuffix, messageIdOf, TRACEPARENT } from '../../model/record.ts'
import type { ParsedBody, SharedObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import type { GoodEvent } from '../judge/good-event.ts'
import { COMMA, QUOTE } from '../parse/json-bytes.ts'
import { ipToFill } from './ip.ts'
import type { LineWriter } from './line-writer.ts'
import { ObjectCopy } from './object-copy.ts'
import type { Pattern } from '../judge/pattern.ts'
import { ACTION, NO_POSITION } from '../judge/pattern.ts'
import type { Scan } from '../parse/scan-result.ts'
import { scanObject } from '../parse/scan.ts'
import { correctSkew, isCommonSpelling, isRfc3339, subMillisDigits, toPreciseText, toText } from '../parse/time.ts'

/** `version` of every event, as in Segment's common fields. */
const SPEC_VERSION = 2

/** The values that are the same for all events of a request. */
export interface RequestFacts {
  readonly body: ParsedBody
  readonly source: string
  /** The path that the request came to. */
  readonly path: string
  /** Milliseconds since the epoch, the same for all events of a request (Segment's spec). */
  readonly receivedAt: number
  /** `receivedAt` as RFC 3339. */
  readonly receivedAtText: string
  /** The sender's address. */
  readonly address: string
  /** The request's trace context; undefined if records do not contain it. */
  readonly traceparent: string | undefined
  /** The members at the end of each record, and its closing brace. */
  readonly tail: string
}

/** @param request.receivedAt milliseconds since the epoch */
export function createFacts(request: {
  body: ParsedBody
  source: string
  path: string
  receivedAt: number
  address: string
  traceparent?: string | undefined
}): RequestFacts {
  const { traceparent, source } = request
  const receivedAtText = toText(request.receivedAt)
  const end = lineSuffix(traceparent)
  const tail = `"receivedAt":"${receivedAtText}","projectId":"${source}","version":${SPEC_VERSION}${end}`
  return { ...request, traceparent, receivedAtText, tail }
}

/** How the events of one pattern are written in a request. */
interface EncodePlan {
  /** Undefined if the context is copied unchanged, except for `contextEnd`. */
  readonly context: Merge | undefined
  readonly integrations: Merge | undefined
  /** Replaces the closing brace of the context, if nothing else changes. */
  readonly contextEnd: Buffer | undefined
  /** Fields that the server adds, each followed by a comma. */
  readonly fields: Buffer
}

const NOTHING = Buffer.alloc(0)
const ORIGINAL_TIMESTAMP = Buffer.from('"originalTimestamp":')
const TIMESTAMP = Buffer.from('"timestamp":')

/**
 * Writes the accepted events of a request as lines: the client's bytes, and after them the fields that Segment sets. A
 * member of the client that the server sets itself is left out.
 */
export class EventEncoder {
  readonly #writer: LineWriter
  readonly #facts: RequestFacts
  readonly #tail: Buffer
  /** The pattern of the previous event, and its plan. */
  #pattern: Pattern | undefined
  #plan: EncodePlan | undefined
  /** The plans of all patterns; created for the second pattern. */
  #plans: Map<Pattern, EncodePlan> | undefined

  constructor(writer: LineWriter, facts: RequestFacts) {
    this.#writer = writer
    this.#facts = facts
    this.#tail = Buffer.from(`${facts.tail}\n`)
  }

  /** Writes one event. @param texts the position of the event's messageId */
  encode(event: GoodEvent, texts: Pick<OutgoingRecord, 'texts' | 'idStart' | 'idEnd'>): void {
    const { scan, pattern } = event
    const { body } = this.#facts
    const plan = this.#planOf(pattern)
    const { context, contextEnd, integrations } = plan
    const writer = this.#writer
    const out = new ObjectCopy(writer, body.bytes, scan.hasLineBreaks)
    for (let place = 0; place < scan.size; place++) {
      const action = pattern.actions[place]
      if (action === ACTION.drop || (action === ACTION.dropForSentAt && body.envelope.sentAt !== undefined)) out.drop()
      else if (action === ACTION.context && contextEnd !== undefined) out.keepToBrace(scan, place, contextEnd)
      else if (action === ACTION.context && context !== undefined) {
        out.replace('"context":', () => this.#writeMerged(context, scan, place))
      } else if (action === ACTION.integrations && integrations !== undefined) {
        out.replace('"integrations":', () => this.#writeMerged(integrations, scan, place))
      } else if (this.#facts.traceparent !== undefined && scan.keyAt(place) === TRACEPARENT) out.drop()
      else out.keep(scan, place)
    }
    out.flush()
    if (context?.own === undefined && context?.shared !== undefined) {
      out.replace('"context":', () => this.#writeMerged(context))
    }
    if (integrations?.own === undefined && integrations?.shared !== undefined) {
      out.replace('"integrations":', () => this.#writeMerged(integrations))
    }
    if (!out.isEmpty) writer.byte(COMMA)
    writer.short(plan.fields)
    if (pattern.messageIdAt === NO_POSITION) writer.ascii(`"messageId":"${messageIdOf(texts)}",`)
    this.#writeTimes(event)
    writer.short(this.#tail)
  }

  /** @param scan the event; undefined if it has no object of its own @param place the place of that object */
  #writeMerged({ own, shared, ip }: Merge, scan?: Scan, place = 0): void {
    const { bytes, text } = this.#facts.body
    const object = asObject(own)
    const ownScan =
      object === undefined || scan === undefined
        ? undefined
        : scanObject(bytes, { start: scan.valueStartAt(place), end: scan.valueEndAt(place), text })
    const hasLineBreaks = ownScan?.hasLineBreaks === true || shared?.scan.hasLineBreaks === true
    const copy = new ObjectCopy(this.#writer, bytes, hasLineBreaks)
    const put = (from: Scan | undefined, isHidden: (key: string) => boolean): void => {
      for (let at = 0; from !== undefined && at < from.size; at++) {
        const key = from.keyAt(at)
        if (isHidden(key) || (key === 'ip' && ip !== undefined)) copy.drop()
        else copy.keep(from, at)
      }
      copy.flush()
    }
    put(ownScan, () => false)
    put(shared?.scan, key => object !== undefined && Object.hasOwn(object, key))
    if (ip !== undefined) copy.replace('"ip":', () => this.#writer.ascii(`"${ip}"`))
    copy.end()
  }

  #planOf(pattern: Pattern): EncodePlan {
    if (pattern === this.#pattern && this.#plan !== undefined) return this.#plan
    const plan = this.#plans?.get(pattern) ?? makePlan(pattern, this.#facts)
    if (this.#pattern !== undefined && this.#plan !== undefined) {
      this.#plans ??= new Map([[this.#pattern, this.#plan]])
      this.#plans.set(pattern, plan)
    }
    this.#pattern = pattern
    this.#plan = plan
    return plan
  }

  /**
   * Writes both timestamps. `originalTimestamp` is the client's `timestamp`, unless the client sent an `originalTimestamp`
   * (as RudderStack's SDKs do). `timestamp` is the client's time, corrected for its clock if there is a `sentAt`, and in a
   * spelling that every reader takes.
   */
  #writeTimes(event: GoodEvent): void {
    const { scan, pattern } = event
    const { timestampAt, originalTimestampAt, sentAtAt } = pattern
    const { body, receivedAt } = this.#facts
    const writer = this.#writer
    const given = timestampAt === NO_POSITION ? originalTimestampAt : timestampAt
    const original = event.instantAt(given)
    if (Number.isNaN(original)) return this.#writeTimestamp(receivedAt)
    const [start, end] = [scan.valueStartAt(given), scan.valueEndAt(given)]
    if (originalTimestampAt === NO_POSITION) {
      writer.short(ORIGINAL_TIMESTAMP)
      writer.short(body.bytes, start, end)
      writer.byte(COMMA)
    }
    const sentAt = sentAtAt === NO_POSITION ? (body.envelope.sentAt?.time ?? Number.NaN) : event.instantAt(sentAtAt)
    const corrected = correctSkew({ original, sentAt, receivedAt })
    if (!Number.isNaN(corrected)) return this.#writeCorrected(corrected, event, given)
    const isCommon = scan.isPlainAt(given) && isCommonSpelling(body.bytes, start + 1, end - 1)
    if (!isCommon && isRfc3339(original)) return this.#writeCorrected(original, event, given)
    writer.short(TIMESTAMP)
    writer.short(body.bytes, start, end)
    writer.byte(COMMA)
  }

  /** @param given the place of the client's time */
  #writeCorrected(instant: number, { scan }: GoodEvent, given: number): void {
    const { bytes, text } = this.#facts.body
    const [start, end] = [scan.valueStartAt(given), scan.valueEndAt(given)]
    if (!scan.isPlainAt(given)) {
      const original = JSON.parse(text(start, end)) as string
      this.#writer.short(TIMESTAMP)
      this.#writer.ascii(`"${toPreciseText(instant, original)}",`)
      return
    }
    const { from, to } = subMillisDigits(bytes, start + 1, end - 1)
    this.#writeTimestamp(instant, from === to ? NOTHING : bytes.subarray(from, to))
  }

  /** @param digits the digits of the fraction below milliseconds */
  #writeTimestamp(instant: number, digits: Uint8Array = NOTHING): void {
    this.#writer.short(TIMESTAMP)
    this.#writer.byte(QUOTE)
    this.#writer.time(instant, digits)
    this.#writer.byte(QUOTE)
    this.#writer.byte(COMMA)
  }
}

function makePlan(pattern: Pattern, { body, address }: RequestFacts): EncodePlan {
  const { envelope } = body
  const ip = ipToFill(asObject(pattern.context), envelope.context?.value, address)
  const context: Merge = { own: pattern.context, shared: envelope.context, ip }
  const integrations: Merge = { own: pattern.integrations, shared: envelope.integrations, ip: undefined }
  const type = pattern.hasOwnType ? '' : `"type":"${pattern.type}",`
  const sentAt =
    pattern.sentAtAt === NO_POSITION && envelope.sentAt !== undefined ? `"sentAt":${envelope.sentAt.json},` : ''
  const contextEnd = appendsOnlyIp(context) ? Buffer.from(`,"ip":"${ip}"}`) : undefined
  return {
    context: contextEnd === undefined && changesAnything(context) ? context : undefined,
    contextEnd,
    integrations: changesAnything(integrations) ? integrations : undefined,
    fields: type + sentAt === '' ? NOTHING : Buffer.from(type + sentAt)
  }
}

/** The event's own object merged with the batch's, by key at the top level, and the `ip` to add. The event's keys win. */
interface Merge {
  readonly own: unknown
  readonly shared: SharedObject | undefined
  readonly ip: string | undefined
}

/** Whether the merge only appends `ip` to a non-empty object, which then need not be scanned. */
function appendsOnlyIp({ own, shared, ip }: Merge): boolean {
  const object = asObject(own)
  if (object === undefined || shared !== undefined || ip === undefined) return false
  return !Object.hasOwn(object, 'ip') && Object.keys(object).length > 0
}

function changesAnything({ own, shared, ip }: Merge): boolean {
  if (ip !== undefined) return true
  if (shared === undefined) return false
  const object = asObject(own)
  if (object === undefined) return true
  for (let place = 0; place < shared.scan.size; place++) {
    if (!Object.hasOwn(object, shared.scan.keyAt(place))) return true
  }
  return false
}
