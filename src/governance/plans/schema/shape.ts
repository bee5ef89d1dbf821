import { compilePattern } from './linear-pattern.ts'
import type { LinearPattern } from './linear-pattern.ts'
import type { JsonSchema, SchemaObject } from './schema-parts.ts'
import { isSchemaObject, resolveLocal } from './schema-parts.ts'

/**
 * The members that a schema names, level by level. A level is open if it lists no properties, says
 * `additionalProperties: true`, or describes other members by a schema. At all other levels, a member that is not named
 * is unplanned.
 */
export interface Shape {
  readonly isOpen: boolean
  readonly named: ReadonlyMap<string, Shape | undefined>
  readonly patterns: readonly LinearPattern[]
  /** The shape of an array's elements. */
  readonly items: Shape | undefined
}

/** Schemas whose members count as named, like those of the schema that contains them. */
const ALTERNATIVES = ['allOf', 'anyOf', 'oneOf'] as const
const CONDITIONS = ['if', 'then', 'else'] as const

/** Undefined if nothing below can be unplanned. */
export function shapeOf(root: JsonSchema, schema: JsonSchema): Shape | undefined {
  return shapeOfAll(root, [schema])
}

/** @param schemas all schemas that apply to one value */
function shapeOfAll(root: JsonSchema, schemas: readonly JsonSchema[]): Shape | undefined {
  const all = schemas.flatMap(schema => [...flatten(root, schema)])
  if (all.length === 0) return undefined
  const listing = all.filter(({ properties }) => isSchemaObject(properties))
  const named = new Map<string, Shape | undefined>()
  for (const name of new Set(listing.flatMap(({ properties }) => Object.keys(properties as SchemaObject)))) {
    const found = listing.map(({ properties }) => (properties as SchemaObject)[name])
    named.set(name, shapeOfAll(root, found.filter(isSchema)))
  }
  const items = shapeOfAll(root, all.flatMap(elementsOf))
  const isOpen = listing.length === 0 || all.some(isOpenByWord)
  if (isOpen && items === undefined && ![...named.values()].some(shape => shape !== undefined)) return undefined
  const patterns = all.flatMap(({ patternProperties }) =>
    isSchemaObject(patternProperties) ? Object.keys(patternProperties).map(compilePattern) : []
  )
  return { isOpen, named, patterns, items }
}

function* flatten(root: JsonSchema, schema: JsonSchema): Generator<SchemaObject> {
  if (!isSchemaObject(schema)) return
  yield schema
  const { $ref } = schema
  const target = typeof $ref === 'string' ? resolveLocal(root, $ref) : undefined
  if (target !== undefined) yield* flatten(root, target.schema)
  for (const keyword of ALTERNATIVES) {
    const list = schema[keyword]
    if (Array.isArray(list)) for (const part of list) if (isSchema(part)) yield* flatten(root, part)
  }
  for (const keyword of CONDITIONS) {
    const part = schema[keyword]
    if (isSchema(part)) yield* flatten(root, part)
  }
}

function elementsOf({ items, prefixItems }: SchemaObject): readonly JsonSchema[] {
  const listed = Array.isArray(prefixItems) ? prefixItems.filter(isSchema) : []
  return isSchema(items) ? [...listed, items] : listed
}

function isOpenByWord({ additionalProperties }: SchemaObject): boolean {
  return additionalProperties === true || isSchemaObject(additionalProperties)
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || isSchemaObject(value)
}

/** The steps from an event to one of its members. */
export type MemberPath = readonly (string | number)[]

/**
 * Finds the members that no schema names. Does not examine their content.
 *
 * @param path the path of the value; unchanged when this returns
 */
export function findUnplanned(value: unknown, shape: Shape, path: (string | number)[], found: MemberPath[]): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    if (shape.items !== undefined) findInElements(value, shape.items, path, found)
    return
  }
  const { named, isOpen, patterns } = shape
  const object = value as Record<string, unknown>
  for (const key in object) {
    const inner = named.get(key)
    if (inner === undefined) {
      if (!isOpen && !named.has(key) && !patterns.some(pattern => pattern.test(key))) found.push([...path, key])
      continue
    }
    path.push(key)
    findUnplanned(object[key], inner, path, found)
    path.pop()
  }
}

function findInElements(
  elements: readonly unknown[],
  shape: Shape,
  path: (string | number)[],
  found: MemberPath[]
): void {
  for (let index = 0; index < elements.length; index++) {
    path.push(index)
    findUnplanned(elements[index], shape, path, found)
    path.pop()
  }
}
