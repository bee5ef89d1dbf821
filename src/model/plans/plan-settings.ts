/** What is done about an event that is not as its plan has it; each does more than the one before. */
export const PLAN_MODES = ['off', 'report', 'omit', 'block'] as const

export type PlanMode = (typeof PLAN_MODES)[number]

/** One mode for each way in which an event can differ from its plan. */
export interface PlanModes {
  /** Of track calls: the plan has no event of that name. Nothing can be omitted here. */
  readonly unplannedEvents: PlanMode
  /** Members of `properties` or `traits` that the event's schema does not name. */
  readonly unplannedProperties: PlanMode
  /** What the event's schema refuses. */
  readonly violations: PlanMode
  /** What the schema of all events refuses. */
  readonly common: PlanMode
}
