import type { EventType } from '../../../model/event-types.ts'
import { EVENT_TYPES } from '../../../model/event-types.ts'
import type { Changes } from '../schema/normalise.ts'
import { noteChange } from '../schema/normalise.ts'
import type { PlanRule } from '../plan.ts'
import type { JsonSchema, SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'

/** A file to import, parsed. `data` of a YAML file with several documents is one of them. */
export interface ImportInput {
  /** The file's name, without folders. */
  readonly name: string
  readonly data: unknown
}

/** A plan that is being built from a foreign format. Its schemas may still use an older draft. */
export interface PlanDraft {
  id?: string | undefined
  name?: string | undefined
  readonly rules: PlanRule[]
  common?: JsonSchema | undefined
  readonly changes: Changes
}

/** A format of plans. */
export interface PlanFormat {
  /** For people. */
  readonly name: string
  /** Whether the input has this format. Formats are tried in order, the most specific first. */
  matches(data: SchemaObject): boolean
  /** Adds all inputs of the format to the draft. */
  read(inputs: readonly ImportInput[], draft: PlanDraft): void
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function objectsIn(value: unknown): readonly SchemaObject[] {
  return Array.isArray(value) ? value.filter(isSchemaObject) : []
}

/** The type of call in `TRACK`, `track`, `Identify`; undefined for anything else. */
export function typeOf(value: unknown): EventType | undefined {
  const word = String(value).toLowerCase()
  return EVENT_TYPES.find(type => type === word)
}

/** 2, "2", "2-0-0" and "v2" are version 2; without a version: 1. */
export function versionOf(value: unknown): number {
  if (typeof value === 'number') return Math.max(1, Math.trunc(value))
  const digits = typeof value === 'string' ? /^v?(\d{1,6})/.exec(value)?.[1] : undefined
  return Math.max(1, Number(digits ?? 1))
}

/**
 * Turns a schema of the properties into a schema of the whole event. References inside it still point to the same
 * parts.
 */
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

/**
 * Whether a schema describes a whole event, and not only its properties: it says that `properties` or `traits` are
 * objects.
 */
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
 * Removes `additionalProperties: false`, which some tools write on every object. Properties that are
 * not named are left to the modes for unplanned properties.
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
