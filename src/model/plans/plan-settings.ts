import type { EventType } from '../event-types.ts'

/** What is done about an event that is not as its plan has it; each does more than the one before. */
export type PlanMode = 'off' | 'report' | 'omit' | 'block'

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

/** Which plan holds for a source, and what is done about it. */
export interface PlanSettings {
  /** As tributary.yml has it: beside that file where it is relative. */
  readonly file: string
  readonly modes: Readonly<Record<EventType, PlanModes>>
}
