import { noteChange } from '../schema/normalise.ts'
import type { JsonSchema, SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'
import type { ImportInput, PlanDraft, PlanFormat } from './draft.ts'
import { objectsIn, textOf, typeOf, versionOf, wrapPayload } from './draft.ts'

/** The date of a rule that is not deprecated. */
const NEVER = '0001-01-01'

/**
 * The answers of `GET tracking-plans/{id}/rules` of Segment's Public API, one file for each page. The files may include
 * the plan's head.
 */
export const segmentRules: PlanFormat = {
  name: "rules of Segment's Public API",
  matches: data => rulesOf(data).some(isRule) || isHead(data),
  read: readAll
}

/** Typewriter's plan.json (version 8 and later): the head and its rules, rewritten. */
export const typewriterPlan: PlanFormat = {
  name: "Typewriter's plan.json",
  matches: data => rulesOf(data).some(rule => isRule(rule) && isRewritten(schemaOf(rule))),
  read: readAll
}

function readAll(inputs: readonly ImportInput[], draft: PlanDraft): void {
  for (const { data } of inputs) {
    if (!isSchemaObject(data)) continue
    const head = headOf(data)
    draft.id ??= textOf(head['id'])
    draft.name ??= textOf(head['name'])
    for (const rule of rulesOf(data)) if (isRule(rule)) readRule(rule, draft)
  }
}

function readRule(rule: SchemaObject, draft: PlanDraft): void {
  const { changes, rules } = draft
  const deprecatedAt = textOf(rule['deprecatedAt'])
  if (deprecatedAt !== undefined && !deprecatedAt.startsWith(NEVER))
    return noteChange(changes, 'deprecated rule left out')
  const given = schemaOf(rule)
  const schema = isRewritten(given) ? unwrapped(given, draft) : given
  if (String(rule['type']).toUpperCase() === 'COMMON') {
    draft.common = schema
    return
  }
  const type = typeOf(rule['type'])
  if (type === undefined) return noteChange(changes, `rule of type ${String(rule['type'])} left out`)
  const key = type === 'identify' || type === 'group' || type === 'alias' ? undefined : textOf(rule['key'])
  if (type === 'track' && key === undefined) return noteChange(changes, 'rule for track calls without a name left out')
  rules.push({ type, event: key, version: versionOf(rule['version']), schema })
}

/** Terraform stores the schema as text. */
function schemaOf(rule: SchemaObject): JsonSchema {
  const given = rule['jsonSchema'] ?? rule['json_schema']
  const schema: unknown = typeof given === 'string' ? JSON.parse(given) : given
  return isSchemaObject(schema) ? schema : true
}

/** Typewriter writes the event's properties in place of the whole event. */
function isRewritten(schema: JsonSchema): boolean {
  return isSchemaObject(schema) && isSchemaObject(schema['eventMetadata'])
}

function unwrapped(schema: JsonSchema, { changes }: PlanDraft): JsonSchema {
  const { eventMetadata: _, ...own } = schema as SchemaObject
  noteChange(changes, "Typewriter's eventMetadata dropped, and its properties put back inside the event")
  return wrapPayload(own, 'properties')
}

function isRule(rule: SchemaObject): boolean {
  return typeof rule['type'] === 'string' && (rule['jsonSchema'] !== undefined || rule['json_schema'] !== undefined)
}

function rulesOf(data: SchemaObject): readonly SchemaObject[] {
  const inner = data['data']
  return objectsIn(isSchemaObject(inner) ? inner['rules'] : data['rules'])
}

function headOf(data: SchemaObject): SchemaObject {
  const inner = data['data']
  const plan = isSchemaObject(inner) ? inner['trackingPlan'] : undefined
  return isSchemaObject(plan) ? plan : data
}

function isHead(data: SchemaObject): boolean {
  return (
    textOf(headOf(data)['id'])?.startsWith('tp_') === true && textOf(headOf(data)['resourceSchemaId']) !== undefined
  )
}
