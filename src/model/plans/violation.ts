import type { PlanMode } from './plan-settings.ts'

/** The number of differences from a plan, for one event name and one place. */
export interface ViolationCount {
  readonly source: string
  readonly type: string
  /** The name of a track call, or of a page or screen; empty if there is none. */
  readonly name: string
  /** `unplanned_event`, `unplanned_property`, `violation` or `common`. */
  readonly kind: string
  /** As in `context.protocols`: Required, Invalid Type, ... */
  readonly violation: string
  /** With `[]` for the elements of an array. */
  readonly field: string
  /** The description of the latest difference. */
  description: string
  events: number
  /** RFC 3339, by this server's clock. */
  readonly firstSeen: string
  lastSeen: string
  /** What was done, and for how many of the events: `report`, `omit` (the member was left out) or `block`. */
  readonly done: Partial<Record<Exclude<PlanMode, 'off'>, number>>
  /** The number of events of each SDK and version. */
  readonly sdks: Record<string, number>
  /** The messageIds of the latest events, for trace; the latest last. */
  readonly samples: string[]
}
