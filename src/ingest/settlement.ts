import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { ReasonCode } from '../model/reasons.ts'
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

/** Counts the one outcome of each event, and the ways that the accepted ones went. */
export function countSettled(entries: readonly Entry[], source: string, ledger: Ledger): void {
  const counts: Count[] = []
  let last: Count | undefined
  for (const { type, outcome, fault } of entries) {
    const code = fault?.code
    const isOf = (count: Count): boolean => count.type === type && count.outcome === outcome && count.code === code
    // The events of a request are mostly alike; and there are a handful of counts at most.
    if (last === undefined || !isOf(last)) {
      last = counts.find(isOf)
      if (last === undefined) counts.push((last = { type, outcome, code, events: 0 }))
    }
    last.events++
  }
  for (const { events, type, outcome, code } of counts) {
    ledger.settled({ source, type, outcome, ...(code === undefined ? {} : { code }) }, events)
  }
  const routes = countRoutes(entries)
  if (routes.length > 0) ledger.routed(routes)
}
