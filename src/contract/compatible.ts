import type { ContractDocument, Schema, Json } from './document.ts'
import { isObject } from './document.ts'
import { NOT_NULL, NULL_OR } from './own-keywords.ts'

/**
 * One way in which the compatible mode reads a schema more kindly than it is written. `apply` is given one object
 * schema whose inner schemas it has been applied to before, and returns the loosened one; it changes nothing in place.
 */
export interface Transformation {
  readonly name: string
  /** Which real traffic needs it. */
  readonly reason: string
  apply(schema: Json): Json
}

/** Keywords that may refuse null whatever `type` says, so that adding null to `type` would not be enough. */
const NULL_SENSITIVE = ['$ref', '$dynamicRef', 'enum', 'const', 'allOf', 'anyOf', 'oneOf', 'not', 'if']

const REFUSE_NULL: Schema = { [NOT_NULL]: true }

/**
 * A property that the contract names may be null, as if it were not there; one that it requires may not, because it
 * would be missing. Values of maps (`additionalProperties`) keep their types: null says nothing of a destination.
 */
export const nullIsAbsent: Transformation = {
  name: 'null counts as absent',
  reason: 'the SDKs for Python, .NET and Rust write null for every field that the caller left out',
  apply(schema) {
    const required = Array.isArray(schema['required'])
      ? schema['required'].filter(name => typeof name === 'string')
      : []
    const given = isObject(schema['properties']) ? schema['properties'] : {}
    const properties: Json = {}
    for (const [name, property] of Object.entries(given)) {
      properties[name] = required.includes(name) ? notNull(property as Schema) : orNull(property as Schema)
    }
    for (const name of required) properties[name] ??= REFUSE_NULL
    return Object.keys(properties).length === 0 ? schema : { ...schema, properties }
  }
}

function orNull(schema: Schema): Schema {
  if (!isObject(schema)) return schema
  if (NULL_SENSITIVE.some(keyword => keyword in schema)) return { [NULL_OR]: schema }
  const types = typesOf(schema)
  return types === undefined || types.includes('null') ? schema : { ...schema, type: [...types, 'null'] }
}

function notNull(schema: Schema): Schema {
  if (isObject(schema) && typesOf(schema)?.includes('null') === false) return schema
  return isObject(schema) ? { ...schema, [NOT_NULL]: true } : { allOf: [schema, REFUSE_NULL] }
}

/** Where an empty object would do. It would not where something is required of the object, or a number of keys. */
export const emptyArrayIsEmptyObject: Transformation = {
  name: 'an empty array counts as an empty object where an object is expected',
  reason: 'PHP has one type for both, and its SDK writes empty dictionaries as []',
  apply(schema) {
    const types = typesOf(schema)
    if (types === undefined || !types.includes('object') || types.includes('array')) return schema
    if (
      (Array.isArray(schema['required']) && schema['required'].length > 0) ||
      Number(schema['minProperties'] ?? 0) > 0
    )
      return schema
    return { ...schema, type: [...types, 'array'], maxItems: 0 }
  }
}

export const uriIsAnyString: Transformation = {
  name: 'format uri is not asserted',
  reason:
    'browsers write an empty referrer on every page that was opened directly, and pages have addresses that are not URIs',
  apply(schema) {
    if (schema['format'] !== 'uri') return schema
    const { format: _, ...rest } = schema
    return rest
  }
}

/** The whole difference between the two modes, in the order in which it is applied. */
export const COMPATIBLE: readonly Transformation[] = [uriIsAnyString, emptyArrayIsEmptyObject, nullIsAbsent]

/** The document with every schema of its components and request bodies loosened. */
export function toCompatible(document: ContractDocument): ContractDocument {
  const { components, paths } = document
  return {
    ...document,
    components: { ...components, schemas: mapValues(components.schemas, loosen) },
    paths: mapValues(paths, path => mapObject(path, operation => mapKey(operation, 'requestBody', loosenBody)))
  }
}

function loosenBody(body: unknown): unknown {
  return mapKey(body, 'content', content =>
    mapObject(content, media => mapKey(media, 'schema', schema => loosen(schema as Schema)))
  )
}

const INNER_MAPS = ['properties', 'patternProperties', 'dependentSchemas', '$defs']
const INNER_LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
/** Not `not`, `if` and `propertyNames`: loosening these would refuse more, or say nothing of null. */
const INNER_SCHEMAS = [
  'additionalProperties',
  'unevaluatedProperties',
  'items',
  'unevaluatedItems',
  'contains',
  'then',
  'else'
]

/** Applies every transformation to a schema and to all inside it, innermost first. */
export function loosen(schema: Schema): Schema {
  if (!isObject(schema)) return schema
  const inner: Json = { ...schema }
  const inside = (value: unknown): unknown => loosen(value as Schema)
  for (const key of INNER_MAPS) if (key in inner) inner[key] = mapObject(inner[key], inside)
  for (const key of INNER_LISTS) if (Array.isArray(inner[key])) inner[key] = inner[key].map(inside)
  for (const key of INNER_SCHEMAS) if (key in inner) inner[key] = inside(inner[key])
  return COMPATIBLE.reduce((loosened, { apply }) => apply(loosened), inner)
}

function typesOf(schema: Json): string[] | undefined {
  const type = schema['type']
  if (typeof type === 'string') return [type]
  return Array.isArray(type) ? type : undefined
}

function mapValues<T, U>(object: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}

function mapObject(value: unknown, change: (value: unknown) => unknown): unknown {
  return isObject(value) ? mapValues(value, change) : value
}

function mapKey(value: unknown, key: string, change: (value: unknown) => unknown): unknown {
  return isObject(value) && key in value ? { ...value, [key]: change(value[key]) } : value
}
