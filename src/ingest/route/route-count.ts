import type { Outcome } from '../../model/outcome.ts'
import type { Route, RouteCount } from '../../model/route.ts'

/** Counts the events of a request by the way they went. Those that went nowhere (refused, duplicate) are left out. */
export function countRoutes(
  events: Iterable<{ readonly route: Route | undefined; readonly outcome: Outcome | undefined }>
): readonly RouteCount[] {
  const counts = new Map<Route, { route: Route; accepted: number; failed: number }>()
  for (const { route, outcome } of events) {
    if (route === undefined || (outcome !== 'accepted' && outcome !== 'failed')) continue
    let count = counts.get(route)
    if (count === undefined) counts.set(route, (count = { route, accepted: 0, failed: 0 }))
    count[outcome]++
  }
  return [...counts.values()]
}
