import type { GovernanceRule } from '../model/governance/rules.ts'
import type { Tally } from './tally.ts'

/** The metrics of governance rules, a part of METRICS. */
export const GOVERNANCE_METRICS = {
  governedEvents: {
    kind: 'counter',
    name: 'tributary_governed_events_total',
    help: 'Events that a rule changed or ended, by rule; an event counts once for each rule.',
    labels: ['source', 'rule']
  },
  violationEvents: {
    kind: 'counter',
    name: 'tributary_violation_events_total',
    help: 'Events about violations of tracking plans (VIOLATIONS_TOPIC): published, over_limit (left out: more than 100 a second), failed (left out: they could not be made durable).',
    labels: ['source', 'outcome']
  }
} as const

export function countGoverned(tally: Tally): (source: string, rule: GovernanceRule, events: number) => void {
  return (source, rule, events) => tally.add([source, rule], events)
}
