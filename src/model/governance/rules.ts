/**
 * What governance does to events, as metrics and the debugger name it. The list is closed: a rule's own details (a path, a
 * plan's name) are an effect's `detail`, never a label.
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
  /** For people, in the event's journey. It names rules and keys, and never quotes a value of the event. */
  readonly detail: string
}
