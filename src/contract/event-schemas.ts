import type { EventType } from '../model/event-types.ts'
import { EVENT_TYPES } from '../model/event-types.ts'
import { DEFAULT_LIMITS } from '../model/limits.ts'
import type { ContractDocument, Json, Schema } from './document.ts'
import { follow, isObject, locate, locateUnfollowed } from './document.ts'
import { mapSchemas, mapValues } from './map-schemas.ts'
import { isInside, requiredNames } from './schema-facts.ts'

/** Names under `components.schemas` that no OpenAPI document can have (its names are of letters, digits, `.`, `_`, `-`). */
export function eventSchemaName(type: EventType): string {
  return `event:${type}`
}

export const ENVELOPE_SCHEMA_NAME = 'batch:envelope'

/** What `not` refers to, to say which keys poison objects. */
const FORBIDDEN_KEYS = 'ForbiddenKeys'
const FORBIDDEN_KEYS_REF = `#/components/schemas/${FORBIDDEN_KEYS}`

export interface EnvelopeOptions {
  /**
   * How many events a batch may have. The document's own `maxItems` counts too, unless this was raised above the
   * default: then an operator has asked for more than the document says.
   */
  readonly maxBatchEvents: number
}

/**
 * The document with one more schema for each thing that is judged by itself:
 *
 * - an event of a type: what the type's path asks of its body, and what the batch asks of its items. A single call and
 *   an item of a batch have the same schema, so that both ways in give the same verdict and a constraint counts
 *   wherever it is written. The items' rule for `type` holds for single calls too, whose type is that of the path;
 * - a batch without its items, which are judged one by one so that one of them does not cost the others.
 *
 * Forbidden keys are found by the walk over a request's bytes, at every depth, before a schema is asked (ingest/judge.ts):
 * what `not` says of them in the document's schemas is left out here, since it would make objects of every payload.
 *
 * Throws where the document has no such paths.
 */
export function addEventSchemas(given: ContractDocument, options: EnvelopeOptions): ContractDocument {
  const document = withoutForbiddenKeys(given)
  const batch = locate(document, bodySchemaOf('/batch'))
  const list = locate(document, [...bodySchemaOf('/batch'), 'properties', 'batch'])
  const items = (list.node['items'] ?? true) as Schema
  const schemas: Record<string, Schema> = { ...document.components.schemas }
  for (const type of EVENT_TYPES) {
    const call = locateUnfollowed(document, bodySchemaOf(`/${type}`))
    schemas[eventSchemaName(type)] = eventSchema(document, [{ $ref: call.ref }, items], type)
  }
  schemas[ENVELOPE_SCHEMA_NAME] = withoutItems(batch.node, list.node, options)
  return { ...document, components: { ...document.components, schemas } }
}

function withoutForbiddenKeys(document: ContractDocument): ContractDocument {
  const { [FORBIDDEN_KEYS]: forbiddenKeys, ...others } = document.components.schemas
  if (forbiddenKeys === undefined) return document
  const schemas = mapValues(others, withoutTheirNot)
  const isAskedFor = JSON.stringify([schemas, document.paths]).includes(`"${FORBIDDEN_KEYS_REF}"`)
  const kept = isAskedFor ? { ...schemas, [FORBIDDEN_KEYS]: forbiddenKeys } : schemas
  return { ...document, components: { ...document.components, schemas: kept } }
}

function withoutTheirNot(schema: Schema): Schema {
  if (!isObject(schema)) return schema
  const { not, ...rest } = mapSchemas(schema, withoutTheirNot)
  const isTheirs = isObject(not) && not['$ref'] === FORBIDDEN_KEYS_REF && Object.keys(not).length === 1
  return not === undefined || isTheirs ? rest : { ...rest, not }
}

function bodySchemaOf(path: string): string[] {
  return ['paths', path, 'post', 'requestBody', 'content', 'application/json', 'schema']
}

/** What is required comes first, of every schema, because a missing field is reported before a bad one. */
function eventSchema(document: ContractDocument, schemas: readonly Schema[], type: EventType): Json {
  const parts = schemas.flatMap(schema => partsOf(schema, { document, type, followed: new Set() }))
  const required = new Set(parts.flatMap(part => requiredNames(document, part)))
  return { allOf: [{ type: 'object', required: [...required] }, ...withoutRepeats(parts)] }
}

/** Keywords that ask which properties are described beside them. */
const CLOSING = ['additionalProperties', 'unevaluatedProperties']

/** What several parts ask is asked once: of a property too, where they describe it in the same way. */
function withoutRepeats(parts: readonly Schema[]): Schema[] {
  const asked = new Set<string>()
  const isNew = (where: string, schema: Schema): boolean => {
    const text = `${where} ${JSON.stringify(withoutDescriptions(schema))}`
    return !asked.has(text) && asked.add(text).size > 0
  }
  return parts
    .map(part => {
      if (!isObject(part) || !isObject(part['properties']) || CLOSING.some(keyword => keyword in part)) return part
      const fresh = Object.entries(part['properties'] as Record<string, Schema>).filter(([name, schema]) =>
        isNew(`/${name}`, schema)
      )
      return { ...part, properties: Object.fromEntries(fresh) }
    })
    .filter(part => isNew('', part))
}

function withoutDescriptions(schema: Schema): Schema {
  if (!isObject(schema)) return schema
  const { description: _, ...rest } = schema
  return mapSchemas(rest, withoutDescriptions)
}

interface PartsOptions {
  readonly document: ContractDocument
  readonly type: EventType
  readonly followed: ReadonlySet<string>
  /** `type` of the schema that this one is a part of. */
  readonly outerType?: unknown
}

/** Keywords of a part that alone ask nothing. */
const SILENT = new Set(['type', 'description', 'title', 'examples', 'example'])

/**
 * A schema as the parts that it joins by `allOf` and by references, in the order in which they are asked, for an event
 * whose type is known: of schemas among which `type` chooses (OpenAPI's `discriminator`), only the chosen one.
 */
function partsOf(schema: Schema, options: PartsOptions): Schema[] {
  if (!isObject(schema)) return schema ? [] : [schema]
  const { $ref: ref, allOf, oneOf, discriminator, ...own } = schema
  // What is not evaluated by the others must stay with them.
  if ('unevaluatedProperties' in schema || (ref !== undefined && !isInside(ref))) return [schema]
  const chosen = chosenBy(discriminator, options.type)
  const outerType = own['type'] ?? options.outerType
  const inner = Array.isArray(allOf) ? (allOf as Schema[]) : []
  const rest = {
    ...(outerType === undefined ? {} : { type: outerType }),
    ...own,
    ...(chosen === undefined && oneOf !== undefined ? { oneOf } : {})
  }
  const asksNothing = Object.keys(rest).every(keyword => SILENT.has(keyword)) && outerType === 'object'
  return [
    ...(isInside(ref) ? partsOfTarget(ref, options) : []),
    ...inner.flatMap(part => partsOf(part, { ...options, outerType })),
    ...(chosen === undefined ? [] : partsOfTarget(chosen, options)),
    ...(asksNothing ? [] : [rest])
  ]
}

function partsOfTarget(ref: string, { document, type, followed }: PartsOptions): Schema[] {
  if (followed.has(ref)) throw new Error(`the contract's references from ${ref} run in a circle`)
  return partsOf(follow(document, ref), { document, type, followed: new Set([...followed, ref]) })
}

function chosenBy(discriminator: unknown, type: EventType): string | undefined {
  if (!isObject(discriminator) || discriminator['propertyName'] !== 'type') return undefined
  const { mapping } = discriminator
  const chosen = isObject(mapping) ? mapping[type] : undefined
  return isInside(chosen) ? chosen : undefined
}

function withoutItems(batch: Json, list: Json, { maxBatchEvents }: EnvelopeOptions): Json {
  const { items: _, ...array } = list
  const raised = maxBatchEvents > DEFAULT_LIMITS.maxBatchEvents
  const maxItems = raised ? maxBatchEvents : Math.min(maxBatchEvents, Number(list['maxItems'] ?? maxBatchEvents))
  return { ...batch, properties: { ...(batch['properties'] as Json), batch: { ...array, maxItems } } }
}
