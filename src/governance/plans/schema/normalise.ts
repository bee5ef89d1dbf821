import type { JsonSchema, SchemaObject } from './schema-parts.ts'
import { isSchemaObject } from './schema-parts.ts'

/** The number of changes of a schema by their kind, for the person who imports a plan. */
export type Changes = Map<string, number>

export function noteChange(changes: Changes, what: string): void {
  changes.set(what, (changes.get(what) ?? 0) + 1)
}

/** Without these members, a `$ref` of an older draft has no siblings that matter. */
const REF_NEIGHBOURS: ReadonlySet<string> = new Set([
  '$ref',
  '$defs',
  'definitions',
  'title',
  'description',
  '$comment'
])
const SINGLE = ['additionalProperties', 'contains', 'not', 'if', 'then', 'else', 'propertyNames']
const UNEVALUATED = ['unevaluatedItems', 'unevaluatedProperties']
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']

interface Work {
  readonly changes: Changes
  /** 2019-09 and later: a `$ref` may have siblings. */
  readonly isModern: boolean
  /** 2020-12: `items` is never a list. */
  readonly isLatest: boolean
}

/**
 * Converts a schema of draft 04, 06, 07, 2019-09 or 2020-12 to an equivalent schema of 2020-12. Drops the names of
 * schemas: `$schema`, `$id`, and `id` if it is a string, which Segment writes on every property (a property with the
 * name `id` is an object there). A schema without `$schema` counts as draft 07, but may have `prefixItems`.
 */
export function normaliseSchema(schema: JsonSchema, changes: Changes = new Map()): JsonSchema {
  if (typeof schema === 'boolean') return schema
  const draft = typeof schema['$schema'] === 'string' ? schema['$schema'] : ''
  const isLatest = draft.includes('2020-12')
  return normalise(schema, { changes, isLatest, isModern: isLatest || draft.includes('2019-09') }) as JsonSchema
}

function normalise(given: unknown, work: Work): unknown {
  if (!isSchemaObject(given)) return given
  const schema = withoutNames(given, work)
  for (const keyword of [...SINGLE, ...UNEVALUATED]) {
    if (Object.hasOwn(schema, keyword)) schema[keyword] = normalise(schema[keyword], work)
  }
  for (const keyword of LISTS) {
    const list = schema[keyword]
    if (Array.isArray(list)) schema[keyword] = list.map(part => normalise(part, work))
  }
  for (const keyword of MAPS) {
    const map = schema[keyword]
    if (isSchemaObject(map)) schema[keyword] = mapValues(map, part => normalise(part, work))
  }
  normaliseItems(schema, work)
  normaliseDependencies(schema, work)
  normaliseBounds(schema, work)
  return schema
}

function withoutNames(given: SchemaObject, { changes, isModern }: Work): Record<string, unknown> {
  const schema: Record<string, unknown> = { ...given }
  for (const keyword of ['$schema', '$id', 'id']) {
    if (typeof schema[keyword] !== 'string') continue
    delete schema[keyword]
    noteChange(changes, `${keyword} dropped`)
  }
  if (typeof schema['$ref'] !== 'string' || isModern) return schema
  for (const keyword of Object.keys(schema)) {
    if (REF_NEIGHBOURS.has(keyword)) continue
    delete schema[keyword]
    noteChange(changes, 'members beside a $ref dropped: drafts up to 07 ignore them')
  }
  return schema
}

/** A list of `items` becomes `prefixItems` in 2020-12, and `additionalItems` becomes `items`. */
function normaliseItems(schema: Record<string, unknown>, work: Work): void {
  const { items, additionalItems } = schema
  if (!Array.isArray(items) || work.isLatest) {
    if (Object.hasOwn(schema, 'items')) schema['items'] = normalise(items, work)
    if (!work.isLatest) delete schema['additionalItems']
    return
  }
  schema['prefixItems'] = items.map(part => normalise(part, work))
  delete schema['items']
  delete schema['additionalItems']
  if (additionalItems !== undefined) schema['items'] = normalise(additionalItems, work)
  noteChange(work.changes, 'a list of items written as prefixItems')
}

function normaliseDependencies(schema: Record<string, unknown>, work: Work): void {
  const { dependencies } = schema
  if (!isSchemaObject(dependencies)) return
  schema['dependencies'] = mapValues(dependencies, part => (Array.isArray(part) ? part : normalise(part, work)))
}

/** In draft 04, `exclusiveMinimum` says whether `minimum` itself is excluded. Since draft 06 it is a number. */
function normaliseBounds(schema: Record<string, unknown>, { changes }: Work): void {
  for (const [exclusive, inclusive] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum']
  ] as const) {
    const is = schema[exclusive]
    if (typeof is !== 'boolean') continue
    delete schema[exclusive]
    noteChange(changes, `${exclusive} of draft 04 written as a number`)
    if (!is || schema[inclusive] === undefined) continue
    schema[exclusive] = schema[inclusive]
    delete schema[inclusive]
  }
}

function mapValues(map: SchemaObject, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]))
}
