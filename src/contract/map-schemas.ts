import type { Json, Schema } from './document.ts'
import { isObject } from './document.ts'

/** Keywords that hold schemas. True if the schemas apply to the value itself, false if they apply to its contents. */
const MAPS = { properties: false, patternProperties: false, dependentSchemas: true, $defs: false } as const
const LISTS = { allOf: true, anyOf: true, oneOf: true, prefixItems: false } as const
const SINGLE_INSIDE = [
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'items',
  'unevaluatedItems',
  'contains'
]
const SINGLE_IN_PLACE = ['not', 'if', 'then', 'else']

/**
 * Returns a copy of the schema in which `change` has replaced every schema directly inside it. Values of `const`, `enum`
 * and `default` are no schemas.
 *
 * @param change gets the inner schema, the keyword that holds it, and whether it applies to the same value
 */
export function mapSchemas(schema: Json, change: (inner: Schema, keyword: string, isInPlace: boolean) => Schema): Json {
  const changed: Json = { ...schema }
  const each = (keyword: string, isInPlace: boolean) => (inner: unknown) => change(inner as Schema, keyword, isInPlace)
  for (const [key, isInPlace] of Object.entries(MAPS)) {
    if (key in schema) changed[key] = mapObject(schema[key], each(key, isInPlace))
  }
  for (const [key, isInPlace] of Object.entries(LISTS)) {
    if (Array.isArray(schema[key])) changed[key] = (schema[key] as unknown[]).map(each(key, isInPlace))
  }
  for (const key of SINGLE_INSIDE) if (key in schema) changed[key] = each(key, false)(schema[key])
  for (const key of SINGLE_IN_PLACE) if (key in schema) changed[key] = each(key, true)(schema[key])
  return changed
}

export function mapValues<T, U>(object: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}

/** A value that is no object is returned unchanged. */
export function mapObject(value: unknown, change: (value: unknown) => unknown): unknown {
  return isObject(value) ? mapValues(value, change) : value
}

/** Returns a copy of the object with the value of one key changed; the same value if it does not have the key. */
export function mapKey(value: unknown, key: string, change: (value: unknown) => unknown): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? { ...value, [key]: change(value[key]) } : value
}
