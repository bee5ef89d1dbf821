import type { EventType } from '../event-types.ts'

/** What is done about an event that differs from its plan. Each mode does more than the one before. */
export type PlanMode = 'off' | 'report' | 'omit' | 'block'

/** One mode for each way in which an event can differ from its plan. */
export interface PlanModes {
  /** For track calls: the plan has no event with that name. There is nothing to omit here. */
  readonly unplannedEvents: PlanMode
  /** Members of `properties` or `traits` that the event's schema does not name. */
  readonly unplannedProperties: PlanMode
  /** Differences from the event's own schema. */
  readonly violations: PlanMode
  /** Differences from the common schema of all events. */
  readonly common: PlanMode
}

/** The plan of a source, and its modes. */
export interface PlanSettings {
  /** The path in tributary.yml; a relative one is relative to that file. */
  readonly file: string
  readonly modes: Readonly<Record<EventType, PlanModes>>
}
