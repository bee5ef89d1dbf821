import type { Effect } from '../../model/governance/rules.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { Fault } from '../../model/reasons.ts'
import { fault } from '../../model/reasons.ts'
import type { JsonObject, ParsedBody } from '../parse/body.ts'
import { parseBody } from '../parse/body.ts'
import { GoodEvent } from '../judge/good-event.ts'
import type { BadEvent, Endpoint, Judge } from '../judge/judge.ts'
import { Pattern } from '../judge/pattern.ts'
import { readEvent } from '../judge/read-event.ts'
import type { Scan } from '../parse/scan-result.ts'
import type { Edit } from './splice.ts'
import { splice } from './splice.ts'

/** The end of an event that goes no further: it is not published, and claims no messageId. */
export interface Verdict {
  readonly outcome: Extract<Outcome, 'suppressed' | 'filtered'>
  /** Its messageId, where it may be shown in the debugger; else empty. */
  readonly messageId: string
}

/** Who is told what rules did to an event. */
export interface Described {
  verdict: Verdict | undefined
  effects: readonly Effect[] | undefined
  outcome: Outcome
  start: number
  end: number
}

/** What stands in the body in place of an event whose payload is not kept. */
const EMPTY_EVENT = '{}'

/**
 * The events of one request between the contract and dedupe. Rules change them by replacing bytes of the body, so that
 * what no rule touches leaves as it came; the events are then read from the new bytes.
 */
export class JudgedRequest {
  readonly endpoint: Endpoint
  readonly #judge: Judge
  #body: ParsedBody
  #events: (GoodEvent | BadEvent)[]
  readonly #verdicts: (Verdict | undefined)[] = []
  readonly #effects: (Effect[] | undefined)[] = []
  /** The bytes of such events as they came, by index. */
  readonly #withheld = new Map<number, Buffer>()

  constructor(judge: Judge, endpoint: Endpoint, body: ParsedBody, events: readonly (GoodEvent | BadEvent)[]) {
    this.#judge = judge
    this.endpoint = endpoint
    this.#body = body
    this.#events = [...events]
  }

  /** The body as the rules until now have left it. */
  get body(): ParsedBody {
    return this.#body
  }

  /** The same, by index; always as many as the request has. */
  get events(): readonly (GoodEvent | BadEvent)[] {
    return this.#events
  }

  /** The end that an event has come to; undefined for one that goes on. */
  verdictOf(index: number): Verdict | undefined {
    return this.#verdicts[index]
  }

  /** Every event's effects, by index; undefined where no rule did anything. */
  get effects(): readonly (readonly Effect[] | undefined)[] | undefined {
    return this.#effects.length === 0 ? undefined : this.#effects
  }

  /** Notes what a rule did to an event, for its journey and for the metrics. */
  note(index: number, effect: Effect): void {
    ;(this.#effects[index] ??= []).push(effect)
  }

  /** The event goes no further. Later steps still see it, and leave it alone. */
  end(index: number, verdict: Verdict): void {
    this.#verdicts[index] = verdict
  }

  /**
   * The payload of an event is not kept, whatever becomes of the event: neither in a record nor in the debugger. To be
   * followed by rewrite() with the edit that is returned.
   */
  withhold(index: number): Edit {
    const { start, end } = (this.#events[index] as GoodEvent | BadEvent).scan
    if (!this.#withheld.has(index)) this.#withheld.set(index, this.#body.bytes.subarray(start, end))
    return { start, end, text: EMPTY_EVENT }
  }

  isWithheld(index: number): boolean {
    return this.#withheld.has(index)
  }

  /**
   * The event is not published but kept as a rejected record, to be sent again once the rule is mended. It claims no
   * messageId, and the client is told nothing. After all edits of the event.
   */
  block(index: number, why: Fault): void {
    const event = this.#events[index] as GoodEvent | BadEvent
    if (event.fault !== undefined) return
    const { scan, type } = event
    this.#events[index] = { index, scan, value: event.value(), type, fault: why, isBlocked: true }
  }

  /** Tells `to` what rules did to an event. */
  describe(index: number, to: Described): void {
    const verdict = this.#verdicts[index]
    to.effects = this.#effects[index]
    to.verdict = verdict
    if (verdict !== undefined) to.outcome = verdict.outcome
    if (this.#withheld.has(index)) to.end = to.start
  }

  /**
   * Replaces pieces of the body's bytes, and reads all events anew. Whoever makes the edits keeps every event an object
   * with the same members at its top level, but for `context`, which may be added.
   *
   * @param edits in any order; none overlaps another
   */
  rewrite(edits: readonly Edit[]): void {
    if (edits.length === 0) return
    const before = this.#body
    const { maxBatchEvents } = this.#judge.limits
    const parsed = parseBody(splice(before.bytes, edits), {
      endpoint: this.endpoint.kind,
      // They have been judged, and rules may make an event longer.
      limits: { maxBatchEvents, maxEventBytes: Infinity },
      isLenient: true
    })
    if (!parsed.ok) throw new Error(`rules made a body that cannot be read: ${parsed.fault.message}`)
    const { body } = parsed
    if (body.events.length !== this.#events.length) throw new Error('rules changed how many events a body has')
    this.#body = { ...body, isRepaired: before.isRepaired }
    this.#events = this.#events.map((event, index) => this.#readAnew(event, body.events[index] as Scan, index))
  }

  #readAnew(event: GoodEvent | BadEvent, scan: Scan, index: number): GoodEvent | BadEvent {
    if (event.fault === undefined) return this.#goodAnew(event, scan)
    const withheld = this.#withheld.get(index)
    if (withheld === undefined) {
      const isRead = event.value !== undefined
      const value: unknown = isRead ? JSON.parse(this.#body.text(scan.start, scan.end)) : undefined
      return { ...event, scan, value }
    }
    const { code } = event.fault
    // The message may name a key of the payload.
    return { index, scan, type: event.type, value: {}, fault: fault(code), withheld }
  }

  #goodAnew(event: GoodEvent, scan: Scan): GoodEvent {
    const { type } = event
    const { rules, validator, rewritten } = this.#judge
    const book = rewritten[this.endpoint.kind === 'single' ? type : 'batch']
    const known = book.find(scan, this.#body.bytes, rules)
    if (known !== undefined && known.type === type) return new GoodEvent(scan, this.#body, known)
    const value: JsonObject = readEvent(scan, this.#body, validator.constraints[type])
    const learned = new Pattern(scan, type, value)
    const rule = rules[type]
    if (rule !== undefined && learned.matches(scan, this.#body.bytes, rule)) book.add(learned)
    return new GoodEvent(scan, this.#body, learned)
  }
}
