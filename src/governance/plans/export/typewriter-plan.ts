import type { Plan, PlanRule } from '../plan.ts'
import type { JsonSchema, SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject, resolveLocal } from '../schema/schema-parts.ts'

/** The input of Typewriter, and how many rules of the plan it cannot have. */
export interface TypewriterPlan {
  readonly content: object
  readonly rules: number
  readonly leftOut: number
}

const DRAFT_07 = 'http://json-schema.org/draft-07/schema#'
/** Where schemas keep what others refer to, in newer and in older drafts. */
const DEFINITIONS = ['$defs', 'definitions'] as const
/** Where the schema of an event describes its properties. */
const PROPERTIES = '#/properties/properties'

/**
 * A plan as `plan.json` of Segment's Typewriter (8 and later), which makes typed code of it without asking Segment. Typewriter
 * knows track calls alone, and the newest version of each.
 * Source: https://github.com/segmentio/typewriter/blob/master/src/api/trackingplans.ts
 */
export function toTypewriter({ id, name, rules, common }: Plan): TypewriterPlan {
  const newest = new Map<string, PlanRule>()
  for (const rule of rules) {
    if (rule.type !== 'track' || rule.event === undefined) continue
    const known = newest.get(rule.event)
    if (known === undefined || known.version < rule.version) newest.set(rule.event, rule)
  }
  const exported = [...newest].map(([event, { version, schema }]) => ({
    type: 'TRACK',
    // Typewriter's own rule for names of classes.
    key: event.replace('#', ''),
    version,
    jsonSchema: { ...propertiesOf(schema), eventMetadata: { name: event, type: 'TRACK' }, $id: event, title: event }
  }))
  const all = rules.length + (common === undefined ? 0 : 1)
  return {
    content: { id, name, type: 'LIVE', rules: exported },
    rules: exported.length,
    leftOut: all - exported.length
  }
}

/** The schema of the properties alone; what it refers to stays beside it. */
function propertiesOf(schema: JsonSchema): SchemaObject {
  const members = isSchemaObject(schema) ? schema['properties'] : undefined
  const named = isSchemaObject(members) ? members['properties'] : undefined
  const own = isSchemaObject(named) ? named : {}
  const { $ref, ...beside } = own
  const target = typeof $ref === 'string' ? resolveLocal(schema, $ref)?.schema : undefined
  const properties = moved({
    ...definitionsOf(schema),
    type: 'object',
    properties: {},
    ...(isSchemaObject(target) ? target : {}),
    ...beside
  })
  return { ...(properties as SchemaObject), $schema: DRAFT_07 }
}

function definitionsOf(schema: JsonSchema): SchemaObject {
  if (!isSchemaObject(schema)) return {}
  return Object.fromEntries(DEFINITIONS.filter(key => schema[key] !== undefined).map(key => [key, schema[key]]))
}

/** Says in draft 07 what 2020-12 says of the items of a list. */
function asDraft07({ prefixItems, items, ...rest }: SchemaObject): SchemaObject {
  if (!Array.isArray(prefixItems)) return items === undefined ? rest : { ...rest, items }
  return { ...rest, items: prefixItems, ...(items === undefined ? {} : { additionalItems: items }) }
}

function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved)
  if (!isSchemaObject(value)) return value
  return Object.fromEntries(
    Object.entries(asDraft07(value)).map(([key, inner]) => {
      const isInside = key === '$ref' && typeof inner === 'string' && inner.startsWith(PROPERTIES)
      return [key, isInside ? `#${inner.slice(PROPERTIES.length)}` : moved(inner)]
    })
  )
}
