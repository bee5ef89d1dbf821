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

/** What is known of an event once it was judged. */
interface JudgedEvent {
  readonly type: EventType | 'unknown'
  readonly scan: Scan
  readonly fault: Fault | undefined
  readonly isBlocked?: boolean
}

/**
 * One event of a request and what has become of it so far: its record while it is published, and in the end what is
 * reported of it. One object, that holds numbers and what the whole request shares: it lives until its record is durable,
 * and what lives so long costs the collector of garbage many times more than what dies young.
 */
export class EventEntry implements EventReport {
  readonly kind: 'event' | 'rejected'
  readonly type: EventType | 'unknown'
  readonly code: ReasonCode | undefined
  /** Bytes [start, end) of the body. */
  start: number
  end: number
  /** The end that a rule has put to it; undefined where it goes on. */
  verdict: Verdict | undefined = undefined
  /** What rules did to it; undefined where none did anything. */
  effects: readonly Effect[] | undefined = undefined
  /** Why it is refused. */
  fault: Fault | undefined
  /** `failed` until it is known to be anything better. */
  outcome: Outcome = 'failed'
  /** What it becomes when its record is durable. */
  readonly settlesAs: Outcome
  /** Another request is publishing the same id now: true once that is durable. */
  awaited: Promise<boolean> | undefined = undefined
  /** Where it is published to; none where it is not. */
  topics = NO_TOPICS
  /** The same with the rules that decided it; for good events only. */
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

  /** The id, where it stands in no buffer yet, and the key. */
  takeTexts(messageId: string, key: string): void {
    Object.assign(this, textsOf(messageId, key))
  }
}
