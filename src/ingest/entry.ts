import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { OutgoingRecord } from '../model/record.ts'
import type { Fault } from '../model/reasons.ts'
import type { EventReport } from '../model/report.ts'
import type { Route } from '../model/route.ts'
import type { Scan } from './scan-result.ts'

/**
 * One event of a request and what has become of it so far: in the end, what is reported of it. It holds nothing of the
 * parsed event: an entry lives until its record is durable, and what lives so long costs the collector of garbage many
 * times more than what dies young.
 */
export interface Entry extends EventReport {
  readonly type: EventType | 'unknown'
  /** Bytes [start, end) of the body. */
  readonly start: number
  readonly end: number
  /** Why it is refused. */
  fault: Fault | undefined
  messageId: string
  /** What Kafka partitions by. */
  key: string
  /** `failed` until it is known to be anything better. */
  outcome: Outcome
  /** Another request is publishing the same id now: true once that is durable. */
  awaited: Promise<boolean> | undefined
  /** Where it is published to; undefined where it is not. */
  topics: readonly string[] | undefined
  /** The same with the rules that decided it; for good events only. */
  route: Route | undefined
  record: OutgoingRecord | undefined
  /** The record's index among those of the request. */
  place: number
}

export function createEntry(event: { type: Entry['type']; scan: Scan; fault: Fault | undefined }): Entry {
  return {
    type: event.type,
    start: event.scan.start,
    end: event.scan.end,
    fault: event.fault,
    messageId: '',
    key: '',
    outcome: 'failed',
    awaited: undefined,
    topics: undefined,
    route: undefined,
    record: undefined,
    place: -1
  }
}
