import type { EventType } from '../model/event-types.ts'
import { EVENT_TYPES } from '../model/event-types.ts'
import { DEFAULT_LIMITS } from '../model/limits.ts'
import type { ContractDocument, Json, Schema } from './document.ts'
import { resolveRef, isObject, resolvePath, resolvePathKeepingRef } from './document.ts'
import { mapSchemas, mapValues } from './map-schemas.ts'
import { isInside, requiredNames } from './schema-facts.ts'

/** A name under `components.schemas` that no OpenAPI document can use (OpenAPI allows letters, digits, `.`, `_` and `-`). */
export function eventSchemaName(type: EventType): string {
  return `event:${type}`
}

export const ENVELOPE_SCHEMA_NAME = 'batch:envelope'

/** The schema of keys that could change a prototype. Schemas refer to it in `not`. */
const FORBIDDEN_KEYS = 'ForbiddenKeys'
const FORBIDDEN_KEYS_REF = `#/components/schemas/${FORBIDDEN_KEYS}`

export interface EnvelopeOptions {
  /**
   * The most events of a batch. The document's own `maxItems` counts too, unless the operator raised this limit above the
   * default.
   */
  readonly maxBatchEvents: number
}

/**
 * Returns the document with additional schemas:
 *
 * - one for each event type. It joins the schema of the type's path and the schema of a batch's items, so that a single
 *   call and an item of a batch get the same verdict, and a constraint counts in either place. The rule of the items
 *   for `type` applies to single calls too; their type is that of the path;
 * - one for the body of a batch without its items. The items are judged one by one, so that one bad item does not affect
 *   the others.
 *
 * A `not` that only refers to the forbidden keys is left out. The scan of a request's bytes finds these keys at every
 * depth before validation (ingest/judge/judge.ts), and checking them here would need objects for every payload.
 *
 * Throws if the document lacks the paths of the event types or of the batch.
 */
export function addEventSchemas(given: ContractDocument, options: EnvelopeOptions): ContractDocument {
  const document = withoutForbiddenKeys(given)
  const batch = resolvePath(document, bodySchemaOf('/batch'))
  const list = resolvePath(document, [...bodySchemaOf('/batch'), 'properties', 'batch'])
  const items = (list.node['items'] ?? true) as Schema
  const schemas: Record<string, Schema> = { ...document.components.schemas }
  for (const type of EVENT_TYPES) {
    const call = resolvePathKeepingRef(document, bodySchemaOf(`/${type}`))
    schemas[eventSchemaName(type)] = eventSchema(document, [{ $ref: call.ref }, items], type)
  }
  schemas[ENVELOPE_SCHEMA_NAME] = withoutItems(batch.node, list.node, options)
  return { ...document, components: { ...document.components, schemas } }
}

function withoutForbiddenKeys(document: ContractDocument): ContractDocument {
  const { [FORBIDDEN_KEYS]: forbiddenKeys, ...others } = document.components.schemas
  if (forbiddenKeys === undefined) return document
  const schemas = mapValues(others, withoutForbiddenKeysNot)
  const isAskedFor = JSON.stringify([schemas, document.paths]).includes(`"${FORBIDDEN_KEYS_REF}"`)
  const kept = isAskedFor ? { ...schemas, [FORBIDDEN_KEYS]: forbiddenKeys } : schemas
  return { ...document, components: { ...document.components, schemas: kept } }
}

function withoutForbiddenKeysNot(schema: Schema): Schema {
  if (!isObject(schema)) return schema
  const { not, ...rest } = mapSchemas(schema, withoutForbiddenKeysNot)
  const refersToForbiddenKeys = isObject(not) && not['$ref'] === FORBIDDEN_KEYS_REF && Object.keys(not).length === 1
  return not === undefined || refersToForbiddenKeys ? rest : { ...rest, not }
}

function bodySchemaOf(path: string): string[] {
  return ['paths', path, 'post', 'requestBody', 'content', 'application/json', 'schema']
}

/** The required names of all schemas come first, because a missing field is reported before an invalid field. */
function eventSchema(document: ContractDocument, schemas: readonly Schema[], type: EventType): Json {
  const parts = schemas.flatMap(schema => partsOf(schema, { document, type, followed: new Set() }))
  const required = new Set(parts.flatMap(part => requiredNames(document, part)))
  return { allOf: [{ type: 'object', required: [...required] }, ...withoutRepeats(parts)] }
}

/** Keywords whose meaning depends on the properties that are described beside them. */
const CLOSING = ['additionalProperties', 'unevaluatedProperties']

/** Removes parts that occur more than once, and properties that several parts describe in the same way. */
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
  /** `type` of the enclosing schema. */
  readonly outerType?: unknown
}

/** A part that has only these keywords asserts nothing more than the enclosing schema. */
const SILENT = new Set(['type', 'description', 'title', 'examples', 'example'])

/**
 * Splits a schema into the parts that it joins by `allOf` and by references, in the order of validation. The event's type
 * is known, so a `oneOf` with a `discriminator` on `type` is replaced by the schema of that type.
 */
function partsOf(schema: Schema, options: PartsOptions): Schema[] {
  if (!isObject(schema)) return schema ? [] : [schema]
  const { $ref: ref, allOf, oneOf, discriminator, ...own } = schema
  // `unevaluatedProperties` depends on the keywords beside it, so the schema is not split.
  if ('unevaluatedProperties' in schema || (ref !== undefined && !isInside(ref))) return [schema]
  const chosen = chosenBy(discriminator, options.type)
  const outerType = own['type'] ?? options.outerType
  const inner = Array.isArray(allOf) ? (allOf as Schema[]) : []
  const rest = {
    ...(outerType === undefined ? {} : { type: outerType }),
    ...own,
    ...(chosen === undefined && oneOf !== undefined ? { oneOf } : {})
  }
  const assertsNothing = Object.keys(rest).every(keyword => SILENT.has(keyword)) && outerType === 'object'
  return [
    ...(isInside(ref) ? partsOfTarget(ref, options) : []),
    ...inner.flatMap(part => partsOf(part, { ...options, outerType })),
    ...(chosen === undefined ? [] : partsOfTarget(chosen, options)),
    ...(assertsNothing ? [] : [rest])
  ]
}

function partsOfTarget(ref: string, { document, type, followed }: PartsOptions): Schema[] {
  if (followed.has(ref)) throw new Error(`the contract's references from ${ref} run in a circle`)
  return partsOf(resolveRef(document, ref), { document, type, followed: new Set([...followed, ref]) })
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
