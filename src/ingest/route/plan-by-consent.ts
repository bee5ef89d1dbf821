import { allowsConsent, CONSENT_EVENT } from './consent.ts'
import type { Candidate, RoutePlan, RoutingCandidates } from './candidates.ts'

/** The most plans that are cached; for further combinations of consent a plan is created for each event. */
const MAX_KEPT_PLANS = 256

export interface ConsentPlanOptions {
  /** Only a track call can be CONSENT_EVENT. */
  readonly isTrack: boolean
  /** Creates the plan for the step after consent. */
  readonly next: (candidates: RoutingCandidates) => RoutePlan
  /** Filters out the candidates that do not stay. */
  readonly narrow: (stays: (candidate: Candidate) => boolean) => RoutingCandidates
}

/** Applies consent before `integrations`, which cannot override it. Destinations without a consent rule are not affected. */
export function planByConsent(all: RoutingCandidates, { isTrack, next, narrow }: ConsentPlanOptions): RoutePlan {
  const everywhere = next(all)
  const rules = [...new Set(all.candidates.map(({ consent }) => consent))].filter(rule => rule !== undefined)
  if (rules.length === 0) return everywhere
  const kept = new Map<string, RoutePlan>()
  return {
    route(event, integrations) {
      if (isTrack && event.name() === CONSENT_EVENT) return everywhere.route(event, integrations)
      const signs = event.consent()
      const denied = new Set(rules.filter(rule => !allowsConsent(rule, signs, integrations !== undefined)))
      if (denied.size === 0) return everywhere.route(event, integrations)
      const key = rules.map(rule => (denied.has(rule) ? '-' : '+')).join('')
      let plan = kept.get(key)
      if (plan === undefined) {
        plan = next(narrow(({ consent }) => consent === undefined || !denied.has(consent)))
        if (kept.size < MAX_KEPT_PLANS) kept.set(key, plan)
      }
      return plan.route(event, integrations)
    }
  }
}
