import { noteChange } from '../schema/normalise.ts'
import type { JsonSchema, SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'
import type { ImportInput, PlanDraft, PlanFormat } from './draft.ts'
import { objectsIn, openAll, textOf, typeOf, versionOf } from './draft.ts'

/** The names that Segment's Config API and RudderStack give to the schemas of events without a name. */
const UNNAMED = ['identify', 'group', 'page', 'screen'] as const

/**
 * Segment's older Config API, and Typewriter 7: `{name: "workspaces/...", rules: {events: [...], global, identify}}`.
 */
export const configApiPlan: PlanFormat = {
  name: "Segment's Config API",
  matches: data => hasRuleSets(data) && (isWorkspaceName(data['name']) || data['display_name'] !== undefined),
  read: (inputs, draft) => readRuleSets(inputs, draft, schema => schema)
}

/** RudderStack's API: `{rules: {events: [...], identify}}`, or newer `{events: [{name, eventType, rules}]}`. */
export const rudderPlan: PlanFormat = {
  name: "RudderStack's API",
  matches: data => hasRuleSets(data) || objectsIn(data['events']).some(({ eventType }) => eventType !== undefined),
  read(inputs, draft) {
    const change = (schema: JsonSchema): JsonSchema => openAll(schema, draft.changes)
    readRuleSets(inputs, draft, change)
    for (const { data } of objectsOf(inputs))
      for (const event of objectsIn(data['events'])) readTyped(event, draft, change)
  }
}

/** Avo's export: `{name, events: [{name, id, rules}]}` in draft 06. */
export const avoExport: PlanFormat = {
  name: "Avo's export",
  matches: data =>
    objectsIn(data['events']).some(({ rules, eventType }) => isSchemaObject(rules) && eventType === undefined),
  read(inputs, draft) {
    for (const { data } of objectsOf(inputs)) {
      draft.name ??= textOf(data['name'])
      for (const event of objectsIn(data['events'])) {
        const schema = withoutNameMapping(event['rules'] as SchemaObject, draft)
        readEvent({ ...event, rules: openAll(schema, draft.changes) }, draft, own => own)
      }
    }
  }
}

type Change = (schema: JsonSchema) => JsonSchema

function readRuleSets(inputs: readonly ImportInput[], draft: PlanDraft, change: Change): void {
  for (const { data } of objectsOf(inputs)) {
    draft.id ??= textOf(data['id']) ?? textOf(data['name'])?.split('/').at(-1)
    draft.name ??= textOf(data['display_name']) ?? textOf(data['name'])
    const sets = data['rules']
    if (!isSchemaObject(sets)) continue
    for (const event of objectsIn(sets['events'])) readEvent(event, draft, change)
    for (const type of UNNAMED) {
      const schema = sets[type]
      if (isSchemaObject(schema) && Object.keys(schema).length > 0) {
        draft.rules.push({ type, event: undefined, version: 1, schema: change(schema) })
      }
    }
    const common = sets['global']
    if (isSchemaObject(common) && Object.keys(common).length > 0) draft.common = change(common)
  }
}

function readEvent(event: SchemaObject, { rules, changes }: PlanDraft, change: Change): void {
  const [name, schema] = [textOf(event['name']), event['rules']]
  if (name === undefined || !isSchemaObject(schema))
    return noteChange(changes, 'event without a name or a schema left out')
  rules.push({ type: 'track', event: name, version: versionOf(event['version']), schema: change(schema) })
}

function readTyped(event: SchemaObject, draft: PlanDraft, change: Change): void {
  const type = typeOf(event['eventType'])
  const schema = event['rules']
  if (type === undefined || !isSchemaObject(schema))
    return noteChange(draft.changes, 'event without a type or a schema left out')
  if (type === 'track') return readEvent(event, draft, change)
  const name = type === 'page' || type === 'screen' ? textOf(event['name']) : undefined
  // RudderStack has one rule for all pages, with the type as its name.
  const isForAll = name === undefined || name.toLowerCase() === type
  draft.rules.push({
    type,
    event: isForAll ? undefined : name,
    version: versionOf(event['version']),
    schema: change(schema)
  })
}

/** Avo requires `nameMapping` in each event. It is Avo's own note, and no event has it. */
function withoutNameMapping(schema: SchemaObject, { changes }: PlanDraft): SchemaObject {
  const { required, properties } = schema
  const members = isSchemaObject(properties) ? properties : {}
  const { nameMapping, ...own } = members
  if (nameMapping !== undefined) noteChange(changes, 'nameMapping dropped')
  const needed = Array.isArray(required) ? required.filter(name => name !== 'nameMapping') : required
  return { ...schema, properties: own, ...(needed === undefined ? {} : { required: needed }) }
}

function hasRuleSets({ rules }: SchemaObject): boolean {
  return isSchemaObject(rules) && ['events', 'global', ...UNNAMED].some(key => rules[key] !== undefined)
}

function isWorkspaceName(name: unknown): boolean {
  return textOf(name)?.startsWith('workspaces/') === true
}

function objectsOf(inputs: readonly ImportInput[]): readonly { readonly data: SchemaObject }[] {
  return inputs.flatMap(({ data }) => (isSchemaObject(data) ? [{ data }] : []))
}
