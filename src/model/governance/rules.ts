/**
 * The effects of governance on events, as metrics and the debugger name them. The list is closed: details of a rule (a
 * path, the name of a plan) are in an effect's `detail`, never in a label.
 */
export const GOVERNANCE_RULES = [
  'suppress',
  'ip',
  'drop',
  'hash',
  'gpc',
  'bots',
  'plan_report',
  'plan_omit',
  'plan_block'
] as const

export type GovernanceRule = (typeof GOVERNANCE_RULES)[number]

/** What one rule did to one event. */
export interface Effect {
  readonly rule: GovernanceRule
  /** For people, in the event's journey. Names rules and keys, and contains no value of the event. */
  readonly detail: string
}
