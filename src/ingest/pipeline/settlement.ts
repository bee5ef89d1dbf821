import type { Ledger } from './contract.ts'
import type { Entry } from './entry.ts'
import { countRoutes } from '../route/route-count.ts'

/** Counts the events of a request as received, by type. */
export function countReceived(entries: readonly Entry[], source: string, ledger: Ledger): void {
  forEachKind(entries, isOfOneType, ({ type }, events) => ledger.received(source, type, events))
}

/** Counts the one outcome of each event, and the ways that the accepted ones went. */
export function countSettled(entries: readonly Entry[], source: string, ledger: Ledger): void {
  forEachKind(entries, isOfOneFate, ({ type, outcome, fault }, events) => {
    ledger.settled({ source, type, outcome, ...(fault === undefined ? {} : { code: fault.code }) }, events)
  })
  const routes = countRoutes(entries)
  if (routes.length > 0) ledger.routed(routes)
}

function isOfOneType(a: Entry, b: Entry): boolean {
  return a.type === b.type
}

function isOfOneFate(a: Entry, b: Entry): boolean {
  return a.type === b.type && a.outcome === b.outcome && a.fault?.code === b.fault?.code
}

interface Count {
  readonly like: Entry
  events: number
}

/** Calls back for each kind of entries with how many there are: mostly once, since those of a request are mostly alike. */
function forEachKind(
  entries: readonly Entry[],
  isAlike: (a: Entry, b: Entry) => boolean,
  tell: (like: Entry, events: number) => void
): void {
  const [first] = entries
  if (first === undefined) return
  if (entries.every(entry => isAlike(entry, first))) return tell(first, entries.length)
  const counts: Count[] = []
  let last: Count | undefined
  for (const entry of entries) {
    if (last === undefined || !isAlike(entry, last.like)) {
      last = counts.find(({ like }) => isAlike(entry, like))
      if (last === undefined) counts.push((last = { like: entry, events: 0 }))
    }
    last.events++
  }
  for (const { like, events } of counts) tell(like, events)
}
