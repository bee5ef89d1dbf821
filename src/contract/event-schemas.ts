import type { EventType } from '../model/event-types.ts'
import { EVENT_TYPES } from '../model/event-types.ts'
import { DEFAULT_LIMITS } from '../model/limits.ts'
import type { ContractDocument, Json, Located, Schema } from './document.ts'
import { isObject, locate, locateUnfollowed } from './document.ts'
import { requiredNames } from './schema-facts.ts'

/** Names under `components.schemas` that no OpenAPI document can have (its names are of letters, digits, `.`, `_`, `-`). */
export function eventSchemaName(type: EventType): string {
  return `event:${type}`
}

export const ENVELOPE_SCHEMA_NAME = 'batch:envelope'

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
 * Throws where the document has no such paths.
 */
export function addEventSchemas(document: ContractDocument, options: EnvelopeOptions): ContractDocument {
  const batch = locate(document, bodySchemaOf('/batch'))
  const list = locate(document, [...bodySchemaOf('/batch'), 'properties', 'batch'])
  const items = isObject(list.node['items'])
    ? [locateUnfollowed(document, [...bodySchemaOf('/batch'), 'properties', 'batch', 'items'])]
    : []
  const schemas: Record<string, Schema> = { ...document.components.schemas }
  for (const type of EVENT_TYPES) {
    const call = locateUnfollowed(document, bodySchemaOf(`/${type}`))
    schemas[eventSchemaName(type)] = allOf(document, [call, ...items])
  }
  schemas[ENVELOPE_SCHEMA_NAME] = withoutItems(batch.node, list.node, options)
  return { ...document, components: { ...document.components, schemas } }
}

function bodySchemaOf(path: string): string[] {
  return ['paths', path, 'post', 'requestBody', 'content', 'application/json', 'schema']
}

/** What is required comes first, of every schema, because a missing field is reported before a bad one. */
function allOf(document: ContractDocument, parts: readonly Located[]): Json {
  const required = new Set(parts.flatMap(({ node }) => requiredNames(document, node)))
  return { allOf: [{ type: 'object', required: [...required] }, ...parts.map(({ ref }) => ({ $ref: ref }))] }
}

function withoutItems(batch: Json, list: Json, { maxBatchEvents }: EnvelopeOptions): Json {
  const { items: _, ...array } = list
  const raised = maxBatchEvents > DEFAULT_LIMITS.maxBatchEvents
  const maxItems = raised ? maxBatchEvents : Math.min(maxBatchEvents, Number(list['maxItems'] ?? maxBatchEvents))
  return { ...batch, properties: { ...(batch['properties'] as Json), batch: { ...array, maxItems } } }
}
