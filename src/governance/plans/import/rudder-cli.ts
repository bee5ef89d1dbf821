import type { SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'
import { noteChange } from '../schema/normalise.ts'
import type { PlanDraft, PlanFormat } from './draft.ts'
import { objectsIn, textOf, typeOf, versionOf, wrapPayload } from './draft.ts'
import type { Catalogue } from './rudder-catalogue.ts'
import { idOf, objectSchema, readCatalogue, specsOf } from './rudder-catalogue.ts'

/** The YAML files of a rudder-cli project, in the version `rudder/v1` or `rudder/v0.1`. */
export const rudderCli: PlanFormat = {
  name: "rudder-cli's YAML",
  matches: ({ version, kind }) => textOf(version)?.startsWith('rudder/') === true && typeof kind === 'string',
  read(inputs, draft) {
    const catalogue = readCatalogue(inputs)
    for (const spec of specsOf(inputs, ['tp', 'tracking-plan'])) {
      draft.id ??= textOf(spec['id'])
      draft.name ??= textOf(spec['display_name']) ?? textOf(spec['id'])
      for (const rule of objectsIn(spec['rules'])) readRule(rule, catalogue, draft)
    }
  }
}

function readRule(rule: SchemaObject, catalogue: Catalogue, draft: PlanDraft): void {
  const { event } = rule
  const inner = isSchemaObject(event) ? event : {}
  const reference = textOf(event) ?? textOf(inner['$ref'])
  const known = reference === undefined ? undefined : catalogue.events.get(idOf(reference))
  if (known === undefined) return noteChange(draft.changes, 'rule for an event that is in no file left out')
  const type = typeOf(known['event_type'] ?? 'track')
  const name = textOf(known['name']) ?? textOf(known['display_name'])
  if (type === undefined || (type === 'track' && name === undefined)) {
    return noteChange(draft.changes, 'event without a type or a name left out')
  }
  const isOpen = (rule['additional_properties'] ?? inner['additional_properties'] ?? inner['allow_unplanned']) === true
  const payload = objectSchema(rule, catalogue, isOpen)
  const schema = wrapPayload(payload, payloadOf(rule, type))
  draft.rules.push({ type, event: type === 'track' ? name : undefined, version: versionOf(rule['version']), schema })
}

function payloadOf({ identity_section }: SchemaObject, type: string): 'properties' | 'traits' {
  const section = textOf(identity_section)
  return type === 'identify' || type === 'group' || section?.includes('traits') === true ? 'traits' : 'properties'
}
