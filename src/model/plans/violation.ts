import type { PlanMode } from './plan-settings.ts'

/** How often events of one name differed from their plan in one place. */
export interface ViolationCount {
  readonly source: string
  readonly type: string
  /** Of a track call, or of a page or screen; empty where there is none. */
  readonly name: string
  /** `unplanned_event`, `unplanned_property`, `violation` or `common`. */
  readonly kind: string
  /** As in `context.protocols`: Required, Invalid Type, ... */
  readonly violation: string
  /** With `[]` for the elements of an array. */
  readonly field: string
  /** Of the latest. */
  description: string
  events: number
  /** RFC 3339, by this server's clock. */
  readonly firstSeen: string
  lastSeen: string
  /** What was done, to how many of the events: `report`, `omit` (the member was left out) or `block`. */
  readonly done: Partial<Record<Exclude<PlanMode, 'off'>, number>>
  /** SDK and version, to how many of the events it sent. */
  readonly sdks: Record<string, number>
  /** The messageIds of the latest, to be found by trace; the last one last. */
  readonly samples: string[]
}
