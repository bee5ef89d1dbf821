import type { GovernanceRule } from '../model/governance/rules.ts'
import type { Tally } from './tally.ts'

/** The metrics of governance rules, a part of METRICS. */
export const GOVERNANCE_METRICS = {
  governedEvents: {
    kind: 'counter',
    name: 'tributary_governed_events_total',
    help: 'Events that a rule changed or ended, by rule; an event counts once for each rule.',
    labels: ['source', 'rule']
  }
} as const

export function countGoverned(tally: Tally): (source: string, rule: GovernanceRule, events: number) => void {
  return (source, rule, events) => tally.add([source, rule], events)
}
