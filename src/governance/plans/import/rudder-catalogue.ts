import type { SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'
import type { ImportInput } from './draft.ts'
import { objectsIn, textOf } from './draft.ts'

/** The definitions in a rudder-cli project, each by its id. */
export interface Catalogue {
  readonly events: ReadonlyMap<string, SchemaObject>
  readonly properties: ReadonlyMap<string, SchemaObject>
  readonly types: ReadonlyMap<string, SchemaObject>
}

/** The limit for custom types that refer to one another. */
const MAX_DEPTH = 12

export function readCatalogue(inputs: readonly ImportInput[]): Catalogue {
  const collect = (kind: string, list: string): ReadonlyMap<string, SchemaObject> =>
    new Map(
      specsOf(inputs, [kind])
        .flatMap(spec => objectsIn(spec[list]))
        .flatMap(item => (textOf(item['id']) === undefined ? [] : [[String(item['id']), item] as const]))
    )
  return {
    events: collect('events', 'events'),
    properties: collect('properties', 'properties'),
    types: collect('custom-types', 'types')
  }
}

/** The `spec` of each file of these kinds. */
export function specsOf(inputs: readonly ImportInput[], kinds: readonly string[]): readonly SchemaObject[] {
  return inputs.flatMap(({ data }) => {
    const isWanted = isSchemaObject(data) && kinds.includes(String(data['kind']))
    return isWanted && isSchemaObject(data['spec']) ? [data['spec']] : []
  })
}

/** The last part of a reference: `#/events/group/signup`, `#event:signup`, or a `urn` form of either. */
export function idOf(reference: string): string {
  return reference.split(/[/:]/).at(-1) ?? reference
}

/** An object with the listed properties, from a rule, a nested property or a custom type. */
export function objectSchema(given: SchemaObject, catalogue: Catalogue, isOpen: boolean, depth = 0): SchemaObject {
  const { properties, required } = listed(given['properties'], catalogue, depth)
  const variants = objectsIn(given['variants']).flatMap(variant => variantSchemas(variant, catalogue, depth))
  return {
    type: 'object',
    properties,
    ...(required.length === 0 ? {} : { required }),
    ...(variants.length === 0 ? {} : { allOf: variants }),
    ...(isOpen ? { additionalProperties: true } : {})
  }
}

function listed(list: unknown, catalogue: Catalogue, depth: number) {
  const properties: Record<string, unknown> = {}
  const required: string[] = []
  for (const entry of objectsIn(list)) {
    const reference = textOf(entry['property']) ?? textOf(entry['$ref'])
    const known = reference === undefined ? undefined : catalogue.properties.get(idOf(reference))
    const name = nameOf(known)
    if (known === undefined || name === undefined) continue
    properties[name] = propertySchema(known, entry, catalogue, depth)
    if (entry['required'] === true) required.push(name)
  }
  return { properties, required }
}

function nameOf(property: SchemaObject | undefined): string | undefined {
  return textOf(property?.['name']) ?? textOf(property?.['display_name'])
}

function propertySchema(known: SchemaObject, entry: SchemaObject, catalogue: Catalogue, depth: number): SchemaObject {
  const type = textOf(known['type'])
  if (entry['properties'] !== undefined && depth < MAX_DEPTH) {
    const inner = objectSchema(entry, catalogue, entry['additional_properties'] === true, depth + 1)
    return type?.startsWith('array') === true ? { type: 'array', items: inner } : inner
  }
  return typedSchema(type, configOf(known), catalogue, depth)
}

/**
 * The schema of a type: `string`, `string,null`, or a reference to a custom type, with the constraints of its `config`.
 */
function typedSchema(
  type: string | undefined,
  config: SchemaObject,
  catalogue: Catalogue,
  depth: number
): SchemaObject {
  if (type?.startsWith('#') === true) return customType(type, catalogue, depth)
  const types = (type ?? '').split(',').map(word => word.trim())
  const known = types.filter(word => word !== '' && word !== 'any')
  const itemTypes = config['itemTypes']
  return {
    ...(known.length === 0 ? {} : { type: known.length === 1 ? known[0] : known }),
    ...Object.fromEntries(Object.entries(config).filter(([key]) => CONFIG_KEYWORDS.has(key))),
    ...(Array.isArray(itemTypes) ? { items: itemsSchema(itemTypes, catalogue, depth) } : {})
  }
}

function itemsSchema(types: readonly unknown[], catalogue: Catalogue, depth: number): SchemaObject {
  const [first] = types
  if (types.length === 1) return typedSchema(textOf(first), {}, catalogue, depth)
  return typedSchema(types.map(String).join(), {}, catalogue, depth)
}

function customType(reference: string, catalogue: Catalogue, depth: number): SchemaObject {
  const known = catalogue.types.get(idOf(reference))
  if (known === undefined || depth >= MAX_DEPTH) return {}
  if (known['properties'] !== undefined) return objectSchema(known, catalogue, false, depth + 1)
  return typedSchema(textOf(known['type']), configOf(known), catalogue, depth + 1)
}

/** A case becomes an `if` on the discriminator's value. The default applies if no case does. */
function variantSchemas(variant: SchemaObject, catalogue: Catalogue, depth: number): SchemaObject[] {
  const reference = textOf(variant['discriminator']) ?? ''
  const name = nameOf(catalogue.properties.get(idOf(reference)))
  if (name === undefined) return []
  const isOneOf = (values: unknown): SchemaObject => ({ properties: { [name]: { enum: values } }, required: [name] })
  const cases = objectsIn(variant['cases'])
  const matched = cases.flatMap(({ match }) => (Array.isArray(match) ? match : [match]))
  const schemas = cases.map(({ match, properties }) =>
    conditional(isOneOf(Array.isArray(match) ? match : [match]), partSchema(properties, catalogue, depth))
  )
  if (!Array.isArray(variant['default'])) return schemas
  return [...schemas, conditional({ not: isOneOf(matched) }, partSchema(variant['default'], catalogue, depth))]
}

function conditional(condition: SchemaObject, then: SchemaObject): SchemaObject {
  return Object.fromEntries(['if', 'then'].map((keyword, index) => [keyword, [condition, then][index]]))
}

function partSchema(list: unknown, catalogue: Catalogue, depth: number): SchemaObject {
  const { properties, required } = listed(list, catalogue, depth)
  return { properties, ...(required.length === 0 ? {} : { required }) }
}

/** The config of an item: `config` of rudder/v1 is in snake_case, `propConfig` of earlier versions in camelCase. */
function configOf(item: SchemaObject): SchemaObject {
  const config = item['config'] ?? item['propConfig']
  if (!isSchemaObject(config)) return {}
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [camel(key), value]))
}

function camel(key: string): string {
  return key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

const CONFIG_KEYWORDS: ReadonlySet<string> = new Set([
  ...['enum', 'format', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum'],
  ...['exclusiveMaximum', 'multipleOf', 'minItems', 'maxItems', 'uniqueItems']
])
