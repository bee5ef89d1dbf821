import type { Changes } from '../schema/normalise.ts'
import { normaliseSchema } from '../schema/normalise.ts'
import type { Plan } from '../plan.ts'
import type { JsonSchema } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'
import type { ImportInput, PlanDraft, PlanFormat } from './draft.ts'
import { rudderCli } from './rudder-cli.ts'
import { schemaFiles } from './schema-files.ts'
import { segmentRules, typewriterPlan } from './segment-rules.ts'
import { avoExport, configApiPlan, rudderPlan } from './wrapped-events.ts'

/** The most specific first: no other format looks like a folder of JSON Schemas. */
const FORMATS: readonly PlanFormat[] = [
  rudderCli,
  typewriterPlan,
  segmentRules,
  configApiPlan,
  rudderPlan,
  avoExport,
  schemaFiles
]

export interface ImportedPlan {
  readonly plan: Plan
  /** The format of the files, for people. */
  readonly format: string
  /** The changes, with the number of each. */
  readonly changes: Changes
}

/**
 * Converts the files of another tool to a plan, and detects their format. Throws a readable Error if no format matches,
 * or if the files have several formats.
 */
export function importPlan(inputs: readonly ImportInput[], name: string): ImportedPlan {
  const formats = new Set(inputs.map(formatOf))
  const [format, other] = formats
  if (format === undefined) throw new Error('there is no file to import')
  if (other !== undefined)
    throw new Error(`the files are of several forms: ${[...formats].map(one => one.name).join('; ')}`)
  const draft: PlanDraft = { rules: [], changes: new Map() }
  format.read(inputs, draft)
  const { changes, common } = draft
  const rules = draft.rules.map(rule => ({ ...rule, schema: normaliseSchema(rule.schema, changes) }))
  if (rules.length === 0 && common === undefined) throw new Error(`${format.name}: no rule was found`)
  const planName = draft.name ?? name
  const plan: Plan = {
    id: draft.id ?? planName,
    name: planName,
    rules,
    common: common === undefined ? undefined : normaliseSchema(common, changes)
  }
  return { plan, format: format.name, changes }
}

function formatOf({ name, data }: ImportInput): PlanFormat {
  const format = isSchemaObject(data) ? FORMATS.find(({ matches }) => matches(data)) : undefined
  if (format === undefined) throw new Error(`${name}: not a plan in any form that is known here`)
  return format
}

/** The content of a plan's file. */
export function planFile({ id, name, rules, common }: Plan): object {
  const dialect = 'https://json-schema.org/draft/2020-12/schema'
  const named = (schema: JsonSchema): JsonSchema => (isSchemaObject(schema) ? { $schema: dialect, ...schema } : schema)
  return {
    ...(id === name ? {} : { id }),
    name,
    rules: rules.map(({ type, event, version, schema }) => ({ type, event, version, schema: named(schema) })),
    ...(common === undefined ? {} : { common: named(common) })
  }
}
