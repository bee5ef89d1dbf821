import type { EventType } from '../../model/event-types.ts'
import type { JsonSchema } from './schema/schema-parts.ts'

/** One rule of a plan, as its file has it; the schema is of draft 2020-12 and describes the whole event. */
export interface PlanRule {
  readonly type: EventType
  /** Of a track call; or the name of a page or screen. Undefined: all of the type. */
  readonly event?: string | undefined
  /** Which version of the event; a whole number. */
  readonly version: number
  readonly schema: JsonSchema
}

/** A tracking plan: what events should look like. */
export interface Plan {
  readonly id: string
  readonly name: string
  readonly rules: readonly PlanRule[]
  /** What all events have in common, over the whole of each. */
  readonly common: JsonSchema | undefined
}
