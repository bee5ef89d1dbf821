import type { Outcome } from '../../model/outcome.ts'
import type { Route, RouteCount } from '../../model/route.ts'

/** Counts the accepted and failed events of a request by route. Events without a route (refused, duplicate) do not count. */
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
