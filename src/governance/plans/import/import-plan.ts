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

/** The most telling first: a folder of JSON Schemas looks like nothing else. */
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
  /** The form that the files were in, for people. */
  readonly format: string
  /** What was changed, with how often. */
  readonly changes: Changes
}

/**
 * A plan from the files of another tool, whose form is found out. Throws an Error in words where no form fits, or the files
 * are of several.
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

/** The plan as its own file's content. */
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
