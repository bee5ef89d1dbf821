import type { FilterRule, Route } from '../../model/route.ts'
import type { Candidate, RoutePlan, RoutingCandidates } from './candidates.ts'
import { planByConsent } from './plan-by-consent.ts'

export interface RoutePlanOptions {
  /** All names of events in the destinations' `allow` and `deny` lists. */
  readonly listedNames: ReadonlySet<string>
  /** The position of a user between 0 and 1, for sampling. */
  readonly place: (key: string) => number
  /** Whether the events are track calls. */
  readonly isTrack: boolean
}

/**
 * Creates the plan for a source and type. The steps are names of events, sampling, consent and `integrations`. First the
 * names: there is one plan for each listed name, and one for all other names.
 */
export function makeRoutePlan(remaining: RoutingCandidates, options: RoutePlanOptions): RoutePlan {
  if (remaining.candidates.every(({ takesName }) => takesName === undefined)) return planBySample(remaining, options)
  const planFor = (name: string): RoutePlan =>
    planBySample(
      narrow(remaining, 'events', ({ takesName }) => takesName?.(name) ?? true),
      options
    )
  // The empty string is no name of an event and is in no list.
  const unlisted = planFor('')
  const listed = new Map([...options.listedNames].map(name => [name, planFor(name)]))
  return {
    route(event, integrations) {
      const name = event.name()
      const plan = name === undefined ? undefined : listed.get(name)
      return (plan ?? unlisted).route(event, integrations)
    }
  }
}

/** Second step, sampling: there is one plan for all users between two neighbouring rates. */
function planBySample(remaining: RoutingCandidates, { place, isTrack }: RoutePlanOptions): RoutePlan {
  const planFor = (all: RoutingCandidates): RoutePlan =>
    planByConsent(all, { isTrack, next: planByIntegrations, narrow: stays => narrow(all, 'consent', stays) })
  const rates = [...new Set(remaining.candidates.map(({ rate }) => rate))].filter(rate => rate > 0 && rate < 1)
  rates.sort((a, b) => a - b)
  const plans = [...rates, 1].map(next => planFor(narrow(remaining, 'sample', ({ rate }) => rate >= next)))
  if (rates.length === 0) return plans[0] as RoutePlan
  return {
    route(event, integrations) {
      const at = place(event.key())
      let step = 0
      while (step < rates.length && at >= (rates[step] as number)) step++
      return (plans[step] as RoutePlan).route(event, integrations)
    }
  }
}

/** The most routes that are cached; for further combinations of `integrations` a route is created for each event. */
const MAX_KEPT_ROUTES = 256

/**
 * Last step, `integrations`, by Segment's rule. The key of a destination takes precedence over `All`, which defaults to
 * true. An object (options) counts as true, null as absent. Names are case-sensitive.
 */
function planByIntegrations(remaining: RoutingCandidates): RoutePlan {
  const indexes = new Map(remaining.candidates.map(({ name }, index) => [name, index]))
  const all = makeRoute(remaining)
  const none = makeRoute(narrow(remaining, 'integrations', () => false))
  const kept = new Map<string, Route>()

  function routeWithExceptions(exceptions: readonly number[], closed: boolean): Route {
    const key = `${closed ? '+' : '-'}${exceptions.join()}`
    let route = kept.get(key)
    if (route === undefined) {
      const picked = new Set(exceptions.map(index => remaining.candidates[index]))
      route = makeRoute(narrow(remaining, 'integrations', candidate => picked.has(candidate) === closed))
      if (kept.size < MAX_KEPT_ROUTES) kept.set(key, route)
    }
    return route
  }

  return {
    route(_event, integrations) {
      if (integrations === undefined) return all
      const closed = Object.hasOwn(integrations, 'All') && integrations['All'] === false
      let exceptions: number[] | undefined
      for (const name in integrations) {
        const index = indexes.get(name)
        const value = integrations[name]
        if (index === undefined || value === null || (value !== false) !== closed) continue
        ;(exceptions ??= []).push(index)
      }
      if (exceptions === undefined) return closed ? none : all
      return routeWithExceptions(exceptions.length > 1 ? exceptions.sort((a, b) => a - b) : exceptions, closed)
    }
  }
}

function narrow(
  remaining: RoutingCandidates,
  rule: FilterRule,
  stays: (candidate: Candidate) => boolean
): RoutingCandidates {
  const candidates: Candidate[] = []
  const filtered = [...remaining.filtered]
  for (const candidate of remaining.candidates) {
    if (stays(candidate)) candidates.push(candidate)
    else filtered.push({ destination: candidate.name, rule })
  }
  return { eventsTopic: remaining.eventsTopic, candidates, filtered }
}

function makeRoute({ eventsTopic, candidates, filtered }: RoutingCandidates): Route {
  return {
    topics: [...new Set([eventsTopic, ...candidates.map(({ topic }) => topic)])],
    destinations: candidates.map(({ name }) => name),
    filtered
  }
}
