import type { ContractDocument, Json, Schema } from './document.ts'
import { resolveRef, isObject } from './document.ts'

/*
 * Properties of a schema that can be read without compiling it. These functions follow references inside the document,
 * each reference once.
 */

/** Keywords whose schemas apply to the value itself; they hold a map of names to schemas, a list, or one schema. */
const IN_PLACE = { maps: ['dependentSchemas'], lists: ['allOf', 'anyOf', 'oneOf'], schemas: ['then', 'else'] } as const

/** The types of `type` and of OpenAPI's `nullable`; undefined if the schema has no `type`. */
export function typesOf(schema: Json): string[] | undefined {
  const { type } = schema
  const types = typeof type === 'string' ? [type] : Array.isArray(type) ? (type as string[]) : undefined
  return schema['nullable'] === true && types !== undefined ? [...types, 'null'] : types
}

/** The schema and all schemas that may apply to the same value: by `allOf`, `anyOf`, `oneOf`, `then`, `else` or `$ref`. */
export function schemasInPlace(document: ContractDocument, schema: Schema, followed = new Set<string>()): Json[] {
  if (!isObject(schema)) return []
  const parts: Schema[] = [
    ...IN_PLACE.maps.flatMap(key => (isObject(schema[key]) ? (Object.values(schema[key]) as Schema[]) : [])),
    ...IN_PLACE.lists.flatMap(key => (Array.isArray(schema[key]) ? (schema[key] as Schema[]) : [])),
    ...IN_PLACE.schemas.flatMap(key => (key in schema ? [schema[key] as Schema] : []))
  ]
  const ref = schema['$ref']
  if (isInside(ref) && !followed.has(ref)) {
    followed.add(ref)
    parts.push(resolveRef(document, ref))
  }
  return [schema, ...parts.flatMap(part => schemasInPlace(document, part, followed))]
}

/** The names in `required` of the schema, and of the schemas in its `allOf` and `$ref`. */
export function requiredNames(document: ContractDocument, schema: Schema, followed = new Set<string>()): string[] {
  if (!isObject(schema)) return []
  const ref = schema['$ref']
  const parts = Array.isArray(schema['allOf']) ? [...(schema['allOf'] as Schema[])] : []
  if (isInside(ref) && !followed.has(ref)) {
    followed.add(ref)
    parts.unshift(resolveRef(document, ref))
  }
  return [...ownRequired(schema), ...parts.flatMap(part => requiredNames(document, part, followed))]
}

export function ownRequired(schema: Json): string[] {
  return Array.isArray(schema['required']) ? schema['required'].filter(name => typeof name === 'string') : []
}

/** Whether the schema lists null explicitly, in `type`, `const` or `enum`. */
function listsNull(document: ContractDocument, schema: Schema): boolean {
  return schemasInPlace(document, schema).some(
    part =>
      typesOf(part)?.includes('null') === true ||
      part['const'] === null ||
      (Array.isArray(part['enum']) && part['enum'].includes(null))
  )
}

/** Whether one of these schemas of an object lists null for the property of that name. */
export function isListedAsNull(document: ContractDocument, name: string, schemas: readonly Json[]): boolean {
  return schemas.some(({ properties, patternProperties, additionalProperties, unevaluatedProperties }) => {
    const named = isObject(properties) && Object.hasOwn(properties, name) ? [properties[name]] : []
    const patterns = isObject(patternProperties) ? Object.entries(patternProperties) : []
    const matching = patterns.filter(([pattern]) => new RegExp(pattern, 'u').test(name)).map(([, schema]) => schema)
    return [...named, ...matching, additionalProperties, unevaluatedProperties].some(
      schema => schema !== undefined && listsNull(document, schema as Schema)
    )
  })
}

/** Whether `{}` is valid. A reference that leaves the document, or is circular, counts as a refusal. */
export function acceptsEmptyObject(
  document: ContractDocument,
  schema: Schema,
  followed: ReadonlySet<string> = new Set()
): boolean {
  if (!isObject(schema)) return schema
  const accepts = (part: unknown): boolean => acceptsEmptyObject(document, part as Schema, followed)
  const list = (key: string): unknown[] | undefined => (Array.isArray(schema[key]) ? schema[key] : undefined)
  if (typesOf(schema)?.includes('object') === false || ownRequired(schema).length > 0) return false
  if (Number(schema['minProperties'] ?? 0) > 0) return false
  if ('const' in schema && !isEmptyObject(schema['const'])) return false
  if (list('enum')?.some(isEmptyObject) === false) return false
  if (list('allOf')?.every(accepts) === false || list('anyOf')?.some(accepts) === false) return false
  if ((list('oneOf')?.filter(accepts).length ?? 1) !== 1) return false
  if ('not' in schema && accepts(schema['not'])) return false
  if ('if' in schema && !accepts(schema[accepts(schema['if']) ? 'then' : 'else'] ?? true)) return false
  const ref = schema['$ref']
  if (ref === undefined) return !('$dynamicRef' in schema)
  return (
    isInside(ref) &&
    !followed.has(ref) &&
    acceptsEmptyObject(document, resolveRef(document, ref), new Set([...followed, ref]))
  )
}

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0
}

/** Whether the types of two of these schemas overlap; an empty array counts as an object too. */
export function mayMatchTogether(document: ContractDocument, schemas: readonly Schema[]): boolean {
  const seen = new Set<string>()
  return schemas.some(schema => {
    const types = schemasInPlace(document, schema).map(typesOf).find(Array.isArray)
    if (types === undefined) return true
    const kinds = new Set(
      types.flatMap(type => (type === 'object' ? [type, 'array'] : type === 'integer' ? 'number' : type))
    )
    const isShared = [...kinds].some(kind => seen.has(kind))
    for (const kind of kinds) seen.add(kind)
    return isShared
  })
}

/** Whether a reference points into the document. Only these references are followed. */
export function isInside(ref: unknown): ref is string {
  return typeof ref === 'string' && ref.startsWith('#/')
}
