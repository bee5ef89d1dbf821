import { isDeepStrictEqual } from 'node:util'
import { ASSERTIONS } from '../schema/keywords.ts'
import type { JsonSchema, SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'

export interface SchemaChange {
  readonly isBreaking: boolean
  readonly description: string
}

/** Keywords that are compared by their meaning. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  'type',
  'enum',
  'const',
  'required',
  'properties',
  'items',
  'additionalProperties'
])
/** A lower value of these accepts more... */
const LOWER_TAKES_MORE: ReadonlySet<string> = new Set([
  'minimum',
  'exclusiveMinimum',
  'minLength',
  'minItems',
  'minProperties'
])
/** ...and a higher value of these. */
const HIGHER_TAKES_MORE: ReadonlySet<string> = new Set([
  'maximum',
  'exclusiveMaximum',
  'maxLength',
  'maxItems',
  'maxProperties'
])
/** Without these, a schema accepts more, and names as many members. */
const REMOVABLE: ReadonlySet<string> = new Set([
  ...['pattern', 'format', 'multipleOf', 'uniqueItems', 'not', 'propertyNames', 'contains', 'dependentRequired'],
  ...LOWER_TAKES_MORE,
  ...HIGHER_TAKES_MORE
])

/** The changes from one schema to another. Both use draft 2020-12. */
export function diffSchemas(before: JsonSchema, after: JsonSchema): SchemaChange[] {
  const changes: SchemaChange[] = []
  compare(before, after, '', changes)
  return changes
}

function compare(before: JsonSchema, after: JsonSchema, path: string, changes: SchemaChange[]): void {
  if (isDeepStrictEqual(before, after) || before === false) return
  if (after === false) return addChange(changes, path, true, 'refused')
  const [old, now] = [asObject(before), asObject(after)]
  compareTypes(old, now, path, changes)
  compareValues(old, now, path, changes)
  compareRequired(old, now, path, changes)
  compareMembers(old, now, path, changes)
  compareItems(old, now, path, changes)
  for (const keyword of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (!ASSERTIONS.has(keyword) || UNDERSTOOD.has(keyword)) continue
    compareKeyword(keyword, [old[keyword], now[keyword]], path, changes)
  }
}

function compareKeyword(
  keyword: string,
  [old, now]: readonly [unknown, unknown],
  path: string,
  changes: SchemaChange[]
): void {
  if (isDeepStrictEqual(old, now)) return
  const isNumber = typeof old === 'number' && typeof now === 'number'
  const takesMore =
    (now === undefined && REMOVABLE.has(keyword)) ||
    (isNumber && LOWER_TAKES_MORE.has(keyword) && now < old) ||
    (isNumber && HIGHER_TAKES_MORE.has(keyword) && now > old)
  const what =
    now === undefined ? 'removed' : old === undefined ? `added: ${short(now)}` : `${short(old)} to ${short(now)}`
  addChange(changes, path, !takesMore, `${keyword} ${what}`)
}

function compareTypes(old: SchemaObject, now: SchemaObject, path: string, changes: SchemaChange[]): void {
  const [before, after] = [typesOf(old), typesOf(now)]
  if (isDeepStrictEqual(before, after)) return
  const isWider =
    after === undefined ||
    before?.every(type => after.includes(type) || (type === 'integer' && after.includes('number')))
  addChange(changes, path, isWider !== true, `type ${before?.join(' or ') ?? 'any'} to ${after?.join(' or ') ?? 'any'}`)
}

function compareValues(old: SchemaObject, now: SchemaObject, path: string, changes: SchemaChange[]): void {
  const [before, after] = [valuesOf(old), valuesOf(now)]
  if (isDeepStrictEqual(before, after)) return
  const lost = before?.filter(value => after !== undefined && !after.some(other => isDeepStrictEqual(other, value)))
  const isWider = after === undefined || lost?.length === 0
  addChange(
    changes,
    path,
    !isWider,
    isWider ? 'takes more values' : `takes fewer values: without ${short(lost ?? 'others')}`
  )
}

function compareRequired(old: SchemaObject, now: SchemaObject, path: string, changes: SchemaChange[]): void {
  const [before, after] = [requiredOf(old), requiredOf(now)]
  for (const name of after) if (!before.includes(name)) addChange(changes, join(path, name), true, 'is required')
  for (const name of before)
    if (!after.includes(name)) addChange(changes, join(path, name), false, 'is no longer required')
}

function compareMembers(old: SchemaObject, now: SchemaObject, path: string, changes: SchemaChange[]): void {
  const [before, after] = [membersOf(old), membersOf(now)]
  const wasOpen = isOpen(old)
  for (const [name, schema] of Object.entries(before ?? {})) {
    const next = after?.[name]
    if (next !== undefined) compare(schema, next, join(path, name), changes)
    // The member now falls under the schema for members that are not named.
    else addChange(changes, join(path, name), !isOpenToAll(now), 'is no longer named')
  }
  for (const [name, schema] of Object.entries(after ?? {})) {
    if (before !== undefined && Object.hasOwn(before, name)) continue
    addChange(changes, join(path, name), wasOpen && !isDeepStrictEqual(schema, {}) && schema !== true, 'is named')
  }
  if (!wasOpen || isOpenToAll(now)) return
  if (
    isDeepStrictEqual(old['additionalProperties'], now['additionalProperties']) &&
    (before === undefined) === (after === undefined)
  )
    return
  addChange(changes, path, true, 'members that are not named were open, and are described or closed')
}

function compareItems(old: SchemaObject, now: SchemaObject, path: string, changes: SchemaChange[]): void {
  const [before, after] = [old['items'], now['items']]
  if (after === undefined || isDeepStrictEqual(before, after)) {
    if (before !== undefined && after === undefined)
      addChange(changes, join(path, '[]'), false, 'elements are no longer described')
    return
  }
  compare((before ?? {}) as JsonSchema, after as JsonSchema, join(path, '[]'), changes)
}

function addChange(changes: SchemaChange[], path: string, isBreaking: boolean, what: string): void {
  changes.push({ isBreaking, description: `${path === '' ? '(root)' : path} ${what}` })
}

/** Whether members that no list names count as planned. */
function isOpen(schema: SchemaObject): boolean {
  const { additionalProperties } = schema
  if (additionalProperties === false) return false
  return additionalProperties === true || isSchemaObject(additionalProperties) || membersOf(schema) === undefined
}

function isOpenToAll(schema: SchemaObject): boolean {
  const { additionalProperties } = schema
  return additionalProperties === true || (additionalProperties === undefined && membersOf(schema) === undefined)
}

function membersOf({ properties }: SchemaObject): Readonly<Record<string, JsonSchema>> | undefined {
  return isSchemaObject(properties) ? (properties as Record<string, JsonSchema>) : undefined
}

function requiredOf({ required }: SchemaObject): readonly string[] {
  return Array.isArray(required) ? required.map(String) : []
}

function typesOf({ type }: SchemaObject): readonly string[] | undefined {
  return type === undefined ? undefined : [type].flat().map(String).toSorted()
}

function valuesOf(schema: SchemaObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [schema['const']]
  return Array.isArray(schema['enum']) ? schema['enum'] : undefined
}

function asObject(schema: JsonSchema): SchemaObject {
  return isSchemaObject(schema) ? schema : {}
}

function join(path: string, step: string): string {
  return path === '' ? step : `${path}.${step}`
}

const MAX_SHOWN_CHARS = 80

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}...` : text
}
