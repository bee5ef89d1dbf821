import type { EventType } from '../../model/event-types.ts'
import type { JsonSchema } from './schema/schema-parts.ts'

/** One rule of a plan, as in its file. The schema uses draft 2020-12 and describes the whole event. */
export interface PlanRule {
  readonly type: EventType
  /** The name of a track call, or of a page or screen; undefined: all events of the type. */
  readonly event?: string | undefined
  /** The version of the event; a whole number. */
  readonly version: number
  readonly schema: JsonSchema
}

/** A tracking plan: what events should look like. */
export interface Plan {
  readonly id: string
  readonly name: string
  readonly rules: readonly PlanRule[]
  /** The schema that all events have in common; it describes the whole event. */
  readonly common: JsonSchema | undefined
}
