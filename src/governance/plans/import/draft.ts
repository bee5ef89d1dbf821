import type { EventType } from '../../../model/event-types.ts'
import { EVENT_TYPES } from '../../../model/event-types.ts'
import type { Changes } from '../schema/normalise.ts'
import { noteChange } from '../schema/normalise.ts'
import type { PlanRule } from '../plan.ts'
import type { JsonSchema, SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'

/** A file that is to be imported, read and parsed; `data` of a YAML file with several documents is one of them. */
export interface ImportInput {
  /** The file's name, without folders. */
  readonly name: string
  readonly data: unknown
}

/** A plan while it is put together from a foreign form. Its schemas may still be of an older draft. */
export interface PlanDraft {
  id?: string | undefined
  name?: string | undefined
  readonly rules: PlanRule[]
  common?: JsonSchema | undefined
  readonly changes: Changes
}

/** One of the forms that plans come in. */
export interface PlanFormat {
  /** For people. */
  readonly name: string
  /** Whether the input is of this form. Forms are asked in their order, the most telling first. */
  matches(data: SchemaObject): boolean
  /** Adds all inputs of the form to the draft. */
  read(inputs: readonly ImportInput[], draft: PlanDraft): void
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function objectsIn(value: unknown): readonly SchemaObject[] {
  return Array.isArray(value) ? value.filter(isSchemaObject) : []
}

/** `TRACK`, `track`, `Identify`: the type of call; undefined for what is none. */
export function typeOf(value: unknown): EventType | undefined {
  const word = String(value).toLowerCase()
  return EVENT_TYPES.find(type => type === word)
}

/** 2, "2", "2-0-0" and "v2" are version 2; 1 where nothing is said. */
export function versionOf(value: unknown): number {
  if (typeof value === 'number') return Math.max(1, Math.trunc(value))
  const digits = typeof value === 'string' ? /^v?(\d{1,6})/.exec(value)?.[1] : undefined
  return Math.max(1, Number(digits ?? 1))
}

/** A schema of properties alone as a schema of the event that they stand in. References inside of it go on leading there. */
export function wrapPayload(schema: SchemaObject, payload: 'properties' | 'traits'): SchemaObject {
  const needed = Array.isArray(schema['required']) && schema['required'].length > 0
  const moved = moveReferences(schema, `#/properties/${payload}`)
  return { type: 'object', properties: { [payload]: moved }, ...(needed ? { required: [payload] } : {}) }
}

function moveReferences(value: unknown, to: string): unknown {
  if (Array.isArray(value)) return value.map(inner => moveReferences(inner, to))
  if (!isSchemaObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' && inner.startsWith('#')
        ? to + inner.slice(1)
        : moveReferences(inner, to)
    ])
  )
}

/** Whether a schema describes an event, not only its properties: it says of `properties` or `traits` that they are objects. */
export function isWrapped(schema: SchemaObject): boolean {
  const members = schema['properties']
  if (!isSchemaObject(members)) return false
  return ['properties', 'traits'].some(key => {
    const inner = members[key]
    return isSchemaObject(inner) && (inner['type'] === 'object' || isSchemaObject(inner['properties']) || isRef(inner))
  })
}

function isRef({ $ref }: SchemaObject): boolean {
  return typeof $ref === 'string'
}

/**
 * Tools that write `additionalProperties: false` on every object mean what the control of unplanned properties means, which
 * decides about these by itself: it is left out.
 */
export function openAll(schema: JsonSchema, changes: Changes): JsonSchema {
  const opened = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(opened)
    if (!isSchemaObject(value)) return value
    const entries = Object.entries(value).filter(([key, inner]) => {
      if (key !== 'additionalProperties' || inner !== false) return true
      noteChange(changes, 'additionalProperties: false left to unplannedProperties')
      return false
    })
    return Object.fromEntries(entries.map(([key, inner]) => [key, opened(inner)]))
  }
  return opened(schema) as JsonSchema
}
