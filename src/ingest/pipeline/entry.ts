import type { EventType } from '../../model/event-types.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { Fault, ReasonCode } from '../../model/reasons.ts'
import { textsOf } from '../../model/record.ts'
import type { EventReport } from '../../model/report.ts'
import type { Route } from '../../model/route.ts'
import type { RequestFacts } from '../enrich/encode.ts'
import type { Scan } from '../parse/scan-result.ts'
import type { Effect } from '../../model/governance/rules.ts'
import type { Verdict } from '../govern/judged-request.ts'

const NOTHING = Buffer.alloc(0)
const NO_TOPICS: readonly string[] = []

/** The facts of a judged event. */
interface JudgedEvent {
  readonly type: EventType | 'unknown'
  readonly scan: Scan
  readonly fault: Fault | undefined
  readonly isBlocked?: boolean
}

/**
 * One event of a request and its state: its record while it is published, and its report at the end. It is one object with
 * numbers and references to shared objects, because it lives until its record is durable, and long-lived objects cost the
 * garbage collector many times more than short-lived ones.
 */
export class EventEntry implements EventReport {
  readonly kind: 'event' | 'rejected'
  readonly type: EventType | 'unknown'
  readonly code: ReasonCode | undefined
  /** Bytes [start, end) of the body. */
  start: number
  end: number
  /** The verdict of a rule that has ended the event; undefined if none has. */
  verdict: Verdict | undefined = undefined
  /** The effects of rules on the event; undefined if there are none. */
  effects: readonly Effect[] | undefined = undefined
  /** Why the event is refused; undefined if it is valid. */
  fault: Fault | undefined
  /** `failed` until another outcome is known. */
  outcome: Outcome = 'failed'
  /** The outcome after the record of the event is durable. */
  readonly settlesAs: Outcome
  /** Set if another request is publishing the same id now: resolves with true when the id is durable. */
  awaited: Promise<boolean> | undefined = undefined
  /** The topics of the record; empty if it is not published. */
  topics = NO_TOPICS
  /** The topics with the rules that decided them; only for valid events. */
  route: Route | undefined = undefined
  block: Buffer = NOTHING
  lineStart = 0
  lineEnd = 0
  /** The record's index among those of the request. */
  place = -1
  texts: Buffer = NOTHING
  idStart = 0
  idEnd = 0
  keyStart = 0
  keyEnd = 0
  readonly #facts: RequestFacts

  constructor(facts: RequestFacts, event: JudgedEvent) {
    const { type, scan, fault, isBlocked = false } = event
    this.#facts = facts
    this.kind = fault === undefined ? 'event' : 'rejected'
    this.type = type
    this.code = fault?.code
    this.start = scan.start
    this.end = scan.end
    this.fault = fault
    this.settlesAs = fault === undefined ? 'accepted' : isBlocked ? 'filtered' : 'rejected'
  }

  get source(): string {
    return this.#facts.source
  }

  get receivedAt(): number {
    return this.#facts.receivedAt
  }

  /** Copies the messageId and the partition key into a buffer of their own. */
  setTexts(messageId: string, key: string): void {
    Object.assign(this, textsOf(messageId, key))
  }
}
