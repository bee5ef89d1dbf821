import type { ContractDocument, Schema } from './document.ts'
import { resolveRef, isObject } from './document.ts'
import { NOT_NULL, WRAPPERS } from './own-keywords.ts'
import { isInside } from './schema-facts.ts'

/** What the contract checks in a top-level field of an event. */
export interface FieldConstraints {
  /**
   * What is checked inside an object or an array. `nothing`: only whether an array is empty. `kinds`: the keys and the
   * types of the values, at every depth. `all`: everything.
   */
  readonly inside: 'nothing' | 'kinds' | 'all'
  /**
   * What is checked in a string. `any`: only whether the string is empty. `time`: whether it is a date-time. `whole`: its
   * text.
   */
  readonly text: 'any' | 'time' | 'whole'
  /** The most characters of a string; Infinity without a limit. */
  readonly maxLength: number
}

/** What the contract checks in events, by field. Fields that are not in the map are not checked. */
export type ConstraintsByField = ReadonlyMap<string, FieldConstraints>

/** Keywords that assert nothing, and keywords that assert only the type of a value. */
const OF_THE_KIND = new Set([
  ...['description', 'title', 'example', 'examples', 'deprecated', 'default', '$comment', 'discriminator', 'xml'],
  'type',
  NOT_NULL
])
const OF_STRINGS = new Set(['minLength', 'maxLength', 'pattern', 'format'])
/** Not a constraint here: the comparison of events never treats two different numbers as equal. */
const OF_NUMBERS = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'])
const OF_ARRAYS = new Set(['minItems', 'maxItems'])
const OF_NO_OBJECT: ReadonlySet<string> = new Set([...OF_THE_KIND, ...OF_STRINGS, ...OF_NUMBERS, ...OF_ARRAYS])

/** In order, the strictest first. */
const INSIDE = ['all', 'kinds', 'nothing'] as const

const KIND_ONLY: FieldConstraints = { inside: 'nothing', text: 'any', maxLength: Infinity }
const TEXT_ONLY: FieldConstraints = { ...KIND_ONLY, text: 'whole' }
const KINDS_INSIDE: FieldConstraints = { ...KIND_ONLY, inside: 'kinds' }
const ALL: FieldConstraints = { inside: 'all', text: 'whole', maxLength: Infinity }

/** Keywords that apply schemas to a value or to its contents. */
const OF_ONE_SCHEMA = new Set(['items', 'additionalProperties', ...WRAPPERS])
const OF_MANY_SCHEMAS = new Set(['properties', 'allOf', 'anyOf', 'oneOf'])

/**
 * The fields that a schema checks; undefined if it asserts something about fields that it does not name
 * (`additionalProperties`, `propertyNames`...), because then every field counts.
 *
 * @param document the document with the schemas of addEventSchemas
 * @param name the name of the schema in `components.schemas`
 */
export function constraintsOf(document: ContractDocument, name: string): ConstraintsByField | undefined {
  const constraints = new Map<string, FieldConstraints>()
  return collectConstraints(document, document.components.schemas[name] ?? true, constraints) ? constraints : undefined
}

/** Keywords whose schemas apply to the event itself; their combined verdict depends on nothing else. */
const IN_PLACE_LISTS = new Set(['allOf', 'anyOf', 'oneOf'])
const IN_PLACE = new Set(['not', 'if', 'then', 'else', ...WRAPPERS])

/**
 * Adds what the schema checks to `constraints`. Returns false if the schema asserts something about fields that it does
 * not name.
 *
 * @param followed the references that led to this schema
 */
function collectConstraints(
  document: ContractDocument,
  schema: Schema,
  constraints: Map<string, FieldConstraints>,
  followed: ReadonlySet<string> = new Set()
): boolean {
  if (!isObject(schema)) return true
  const inPlace = (part: unknown): boolean => collectConstraints(document, part as Schema, constraints, followed)
  return Object.entries(schema).every(([keyword, value]) => {
    if (OF_NO_OBJECT.has(keyword) || isOpen(keyword, value)) return true
    if (IN_PLACE_LISTS.has(keyword)) return (value as Schema[]).every(inPlace)
    if (IN_PLACE.has(keyword)) return inPlace(value)
    if (keyword === '$ref') {
      const ref = String(value)
      if (!isInside(ref)) return false
      if (followed.has(ref)) throw new Error(`the contract's references from ${ref} run in a circle`)
      return collectConstraints(document, resolveRef(document, ref), constraints, new Set([...followed, ref]))
    }
    if (keyword === 'required') for (const field of value as string[]) note(constraints, field, KIND_ONLY)
    else if (keyword === 'properties') noteFields(document, value as Record<string, Schema>, constraints)
    else return false
    return true
  })
}

function noteFields(
  document: ContractDocument,
  properties: Record<string, Schema>,
  constraints: Map<string, FieldConstraints>
): void {
  for (const [field, schema] of Object.entries(properties)) {
    const keywords = keywordsOf(schema)
    if (keywords.every(([keyword]) => keyword === 'description')) continue
    for (const [keyword, value] of keywords) note(constraints, field, keywordConstraints(document, keyword, value))
  }
}

/** The keywords of a schema. A keyword of our own is replaced by the keywords of the schema inside it. */
function keywordsOf(schema: Schema): (readonly [string, unknown])[] {
  if (!isObject(schema)) return [['', schema]]
  return Object.entries(schema).flatMap(([keyword, value]) =>
    WRAPPERS.includes(keyword) ? keywordsOf(value as Schema) : [[keyword, value] as const]
  )
}

/** What a keyword of a field's schema checks in the field. */
function keywordConstraints(document: ContractDocument, keyword: string, value: unknown): FieldConstraints {
  if (OF_THE_KIND.has(keyword) || OF_NUMBERS.has(keyword) || isOpen(keyword, value)) return KIND_ONLY
  if (isOfEmptyText(keyword, value)) return KIND_ONLY
  if (keyword === 'maxLength') return { ...KIND_ONLY, maxLength: Number(value) }
  if (keyword === 'format' && value === 'date-time') return { ...KIND_ONLY, text: 'time' }
  if (OF_STRINGS.has(keyword)) return TEXT_ONLY
  return asksForKinds(document, { [keyword]: value }) ? KINDS_INSIDE : ALL
}

/**
 * Whether the verdict of a schema depends only on the keys and types of a value, at every depth. Integers are a type of
 * their own.
 *
 * @param followed the references that led to this schema
 */
function asksForKinds(document: ContractDocument, schema: Schema, followed: ReadonlySet<string> = new Set()): boolean {
  if (!isObject(schema)) return true
  return Object.entries(schema).every(([keyword, value]) => {
    if (OF_THE_KIND.has(keyword) || OF_ARRAYS.has(keyword) || keyword === 'required') return true
    if (isOfEmptyText(keyword, value)) return true
    if (OF_ONE_SCHEMA.has(keyword)) return asksForKinds(document, value as Schema, followed)
    if (OF_MANY_SCHEMAS.has(keyword)) {
      return Object.values(value as object).every(part => asksForKinds(document, part as Schema, followed))
    }
    if (keyword !== '$ref' || !isInside(value)) return false
    return followed.has(value) || asksForKinds(document, resolveRef(document, value), new Set([...followed, value]))
  })
}

/** Whether the keyword asks only whether a string is empty. */
function isOfEmptyText(keyword: string, value: unknown): boolean {
  return keyword === 'minLength' && (value === 0 || value === 1)
}

function isOpen(keyword: string, value: unknown): boolean {
  return keyword === 'additionalProperties' && value === true
}

function note(all: Map<string, FieldConstraints>, field: string, added: FieldConstraints): void {
  const known = all.get(field) ?? KIND_ONLY
  all.set(field, {
    inside: INSIDE.find(inside => inside === known.inside || inside === added.inside) ?? 'all',
    text: known.text === 'any' || known.text === added.text ? added.text : added.text === 'any' ? known.text : 'whole',
    maxLength: Math.min(known.maxLength, added.maxLength)
  })
}
