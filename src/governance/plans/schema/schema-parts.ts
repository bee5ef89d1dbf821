/** A JSON Schema as it is in a plan. */
export type JsonSchema = boolean | SchemaObject

export type SchemaObject = { readonly [keyword: string]: unknown }

/** The steps from the root of a schema to one of its parts. */
export type SchemaPath = readonly (string | number)[]

export interface SchemaPart {
  readonly schema: JsonSchema
  readonly path: SchemaPath
}

/** Keywords whose value is one schema. In older drafts, `items` may be a list. */
const SINGLE = [
  'additionalProperties',
  'additionalItems',
  'items',
  'contains',
  'not',
  'if',
  'then',
  'else',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties'
]
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies']

export function isSchemaObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || isSchemaObject(value)
}

/** The schemas directly inside a schema. */
export function* partsOf(schema: JsonSchema): Generator<SchemaPart> {
  if (typeof schema === 'boolean') return
  for (const keyword of SINGLE) {
    const value = schema[keyword]
    if (Object.hasOwn(schema, keyword) && isSchema(value)) yield { schema: value, path: [keyword] }
  }
  for (const keyword of LISTS) {
    const list = schema[keyword]
    if (!Array.isArray(list)) continue
    for (const [index, value] of list.entries()) if (isSchema(value)) yield { schema: value, path: [keyword, index] }
  }
  for (const keyword of MAPS) {
    const map = schema[keyword]
    if (!isSchemaObject(map)) continue
    for (const [name, value] of Object.entries(map)) if (isSchema(value)) yield { schema: value, path: [keyword, name] }
  }
}

/** The target of a reference inside the same schema: `#` or `#/path`. Undefined if it does not exist or is outside. */
export function resolveLocal(root: JsonSchema, reference: string): SchemaPart | undefined {
  if (reference === '#') return { schema: root, path: [] }
  if (!reference.startsWith('#/')) return undefined
  const path = reference.slice(2).split('/').map(decodeStep)
  let at: unknown = root
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string, unknown>)[step]
  }
  return isSchema(at) ? { schema: at, path } : undefined
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return step
  }
}
