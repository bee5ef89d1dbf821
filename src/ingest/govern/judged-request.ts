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

/** The decision of a rule that ends an event: the event is not published and claims no messageId. */
export interface Verdict {
  readonly outcome: Extract<Outcome, 'suppressed' | 'filtered'>
  /** The event's messageId if the debugger may show it; otherwise empty. */
  readonly messageId: string
}

/** Receives what rules did to an event. */
export interface Described {
  verdict: Verdict | undefined
  effects: readonly Effect[] | undefined
  outcome: Outcome
  start: number
  end: number
}

/** Replaces an event whose payload is not kept, in the body. */
const EMPTY_EVENT = '{}'

/**
 * The events of one request between the contract and dedupe. Rules change events by replacing bytes of the body, so that
 * all other bytes stay the client's; the events are then read again from the new bytes.
 */
export class JudgedRequest {
  readonly endpoint: Endpoint
  readonly #judge: Judge
  #body: ParsedBody
  #events: (GoodEvent | BadEvent)[]
  readonly #verdicts: (Verdict | undefined)[] = []
  readonly #effects: (Effect[] | undefined)[] = []
  /** The original bytes of events whose payload is not kept, by index. */
  readonly #withheld = new Map<number, Buffer>()

  constructor(judge: Judge, endpoint: Endpoint, body: ParsedBody, events: readonly (GoodEvent | BadEvent)[]) {
    this.#judge = judge
    this.endpoint = endpoint
    this.#body = body
    this.#events = [...events]
  }

  /** The body with all changes so far. */
  get body(): ParsedBody {
    return this.#body
  }

  /** The events with all changes so far; their number and order never change. */
  get events(): readonly (GoodEvent | BadEvent)[] {
    return this.#events
  }

  /** The verdict on an event; undefined if no rule has ended the event. */
  verdictOf(index: number): Verdict | undefined {
    return this.#verdicts[index]
  }

  /** The effects of rules, by the index of the event; undefined if no rule had an effect. */
  get effects(): readonly (readonly Effect[] | undefined)[] | undefined {
    return this.#effects.length === 0 ? undefined : this.#effects
  }

  /** Notes the effect of a rule on an event, for the debugger and the metrics. */
  note(index: number, effect: Effect): void {
    ;(this.#effects[index] ??= []).push(effect)
  }

  /** Ends an event. Later steps still see it and must not change it. */
  end(index: number, verdict: Verdict): void {
    this.#verdicts[index] = verdict
  }

  /**
   * Prevents that the payload of an event is kept in a record or in the debugger, whatever its outcome. The caller must pass
   * the returned edit to rewrite().
   */
  withhold(index: number): Edit {
    const { start, end } = (this.#events[index] as GoodEvent | BadEvent).scan
    if (!this.#withheld.has(index)) this.#withheld.set(index, this.#body.bytes.subarray(start, end))
    return { start, end, text: EMPTY_EVENT }
  }

  /** Whether withhold() was called for the event. */
  isWithheld(index: number): boolean {
    return this.#withheld.has(index)
  }

  /**
   * Keeps a valid event as a rejected record instead of publishing it, so that it can be replayed after the rule is
   * corrected. The event claims no messageId, and the client gets no error. Call this after all edits of the event.
   */
  block(index: number, why: Fault): void {
    const event = this.#events[index] as GoodEvent | BadEvent
    if (event.fault !== undefined) return
    const { scan, type } = event
    this.#events[index] = { index, scan, value: event.value(), type, fault: why, isBlocked: true }
  }

  /** Writes what rules did to an event to `to`. */
  describe(index: number, to: Described): void {
    const verdict = this.#verdicts[index]
    to.effects = this.#effects[index]
    to.verdict = verdict
    if (verdict !== undefined) to.outcome = verdict.outcome
    if (this.#withheld.has(index)) to.end = to.start
  }

  /**
   * Replaces spans of the body, and reads all events again. After the edits every event must be an object with the same
   * top-level members; only `context` may be added. Throws if the new body cannot be parsed or has another number of events.
   *
   * @param edits in any order, without overlaps
   */
  rewrite(edits: readonly Edit[]): void {
    if (edits.length === 0) return
    const before = this.#body
    const { maxBatchEvents } = this.#judge.limits
    const parsed = parseBody(splice(before.bytes, edits), {
      endpoint: this.endpoint.kind,
      // The limit was checked before, and rules may make an event longer.
      limits: { maxBatchEvents, maxEventBytes: Infinity },
      isLenient: true
    })
    if (!parsed.ok) throw new Error(`the body cannot be parsed after the edits of rules: ${parsed.fault.message}`)
    const { body } = parsed
    if (body.events.length !== this.#events.length) throw new Error('rules changed the number of events of a body')
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
    const cache = rewritten[this.endpoint.kind === 'single' ? type : 'batch']
    const known = cache.find(scan, this.#body.bytes, rules)
    if (known !== undefined && known.type === type) return new GoodEvent(scan, this.#body, known)
    const value: JsonObject = readEvent(scan, this.#body, validator.constraints[type])
    const learned = new Pattern(scan, type, value)
    const rule = rules[type]
    if (rule !== undefined && learned.matches(scan, this.#body.bytes, rule)) cache.add(learned)
    return new GoodEvent(scan, this.#body, learned)
  }
}
