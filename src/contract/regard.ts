import type { ContractDocument, Schema } from './document.ts'
import { follow, isObject } from './document.ts'

/**
 * How closely the contract looks at a top-level field of an event: `kind` where only its type counts and whether an
 * array is empty, `whole` where anything inside it may count.
 */
export type Regard = 'kind' | 'whole'

/** What the contract looks at in events. Fields that are not named are not looked at by any of its schemas. */
export type Regards = ReadonlyMap<string, Regard>

/** Keywords that assert nothing, and those that assert nothing of objects. */
const OF_NO_OBJECT = new Set([
  ...['description', 'title', 'example', 'examples', 'deprecated', 'default', '$comment', 'discriminator', 'xml'],
  ...['minLength', 'maxLength', 'pattern', 'format', 'minimum', 'maximum', 'multipleOf', 'maxItems', 'minItems']
])
/** Those among them that look into an array further than whether it is empty. */
const OF_ARRAYS = new Set(['maxItems', 'minItems'])

/**
 * What these schemas look at, taken together. Undefined where they say something of fields that
 * they do not name (`additionalProperties`, `propertyNames`, `if`...): then every field has to be there.
 *
 * @param document with the schemas that addEventSchemas adds
 */
export function regardsOf(document: ContractDocument, names: readonly string[]): Regards | undefined {
  const regards = new Map<string, Regard>()
  const schemas = names.map(name => document.components.schemas[name] ?? true)
  return schemas.every(schema => regardSchema(document, schema, regards)) ? regards : undefined
}

/** False where the schema asserts more than which fields there are and what is in those that it names. */
function regardSchema(document: ContractDocument, schema: Schema, regards: Map<string, Regard>): boolean {
  if (!isObject(schema)) return schema
  return Object.entries(schema).every(([keyword, value]) => {
    if (OF_NO_OBJECT.has(keyword) || keyword === 'type' || isOpen(keyword, value)) return true
    if (keyword === '$ref') return regardSchema(document, follow(document, String(value)), regards)
    if (keyword === 'allOf') return (value as Schema[]).every(part => regardSchema(document, part, regards))
    if (keyword === 'required') for (const field of value as string[]) note(regards, field, 'kind')
    else if (keyword === 'properties') noteFields(value as Record<string, Schema>, regards)
    else return false
    return true
  })
}

function noteFields(properties: Record<string, Schema>, regards: Map<string, Regard>): void {
  for (const [field, schema] of Object.entries(properties)) {
    const keywords = isObject(schema) ? Object.entries(schema) : [['', schema] as const]
    if (keywords.every(([keyword]) => keyword === 'description')) continue
    note(regards, field, keywords.every(looksOutside) ? 'kind' : 'whole')
  }
}

/** Whether the keyword asserts nothing of what is inside an object or an array, but for an array that is empty. */
function looksOutside([keyword, value]: readonly [string, unknown]): boolean {
  if (OF_ARRAYS.has(keyword)) return keyword === 'maxItems' && value === 0
  return keyword === 'type' || OF_NO_OBJECT.has(keyword) || isOpen(keyword, value)
}

function isOpen(keyword: string, value: unknown): boolean {
  return keyword === 'additionalProperties' && value === true
}

function note(regards: Map<string, Regard>, field: string, regard: Regard): void {
  if (regards.get(field) !== 'whole') regards.set(field, regard)
}
