import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Fault, ReasonCode } from '../model/reasons.ts'
import type { EventReport } from '../model/report.ts'
import type { Ledger } from './contract.ts'
import type { Entry } from './entry.ts'
import { countRoutes } from './route-count.ts'

/** Counts the events of a request as received, by type. */
export function countReceived(entries: readonly Entry[], source: string, ledger: Ledger): void {
  const counts = new Map<Entry['type'], number>()
  for (const { type } of entries) counts.set(type, (counts.get(type) ?? 0) + 1)
  for (const [type, events] of counts) ledger.received(source, type, events)
}

interface Count {
  readonly type: EventType | 'unknown'
  readonly outcome: Outcome
  readonly code: ReasonCode | undefined
  events: number
}

/**
 * Counts the one outcome of each event, and the ways that the accepted ones went.
 *
 * @param overall a fault of the whole request, which is then each event's
 */
export function countSettled(entries: readonly Entry[], source: string, ledger: Ledger, overall?: Fault): void {
  const counts: Count[] = []
  for (const { type, outcome = 'failed', fault } of entries) {
    const code = outcome === 'rejected' ? (overall ?? fault)?.code : undefined
    // A handful at most: types times outcomes that occur in one request.
    const known = counts.find(count => count.type === type && count.outcome === outcome && count.code === code)
    if (known === undefined) counts.push({ type, outcome, code, events: 1 })
    else known.events++
  }
  for (const { events, type, outcome, code } of counts) {
    ledger.settled({ source, type, outcome, ...(code === undefined ? {} : { code }) }, events)
  }
  const routes = countRoutes(entries)
  if (routes.length > 0) ledger.routed(routes)
}

export function toEventReport(entry: Entry, overall: Fault | undefined): EventReport {
  const { outcome = 'failed', type, messageId, start, end, record, place } = entry
  const fault = outcome === 'rejected' ? (overall ?? entry.fault) : undefined
  return { outcome, type, messageId, start, end, fault, record, place }
}
