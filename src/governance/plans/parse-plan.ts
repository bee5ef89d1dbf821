import { Ajv2020 } from 'ajv/dist/2020.js'
import schema from '../../../schemas/plan.schema.json' with { type: 'json' }
import { toFindings } from '../../config/file/schema-findings.ts'
import type { Finding, YamlSource } from '../../config/file/yaml-source.ts'
import { parseYaml } from '../../config/file/yaml-source.ts'
import { ConfigError } from '../../model/config-error.ts'
import { boundFindings } from './schema/bounds.ts'
import { metaFault } from './judge/compile-schema.ts'
import { normaliseSchema } from './schema/normalise.ts'
import type { Plan, PlanRule } from './plan.ts'
import type { JsonSchema } from './schema/schema-parts.ts'

const validateFrame = new Ajv2020({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true }).compile(
  schema
)

/** A larger plan is refused, because reading it would delay requests for too long. */
export const MAX_PLAN_BYTES = 4 * 1024 * 1024
const MAX_SHOWN_FINDINGS = 20

type RuleEntry = Pick<PlanRule, 'type' | 'event' | 'schema'> & { readonly version?: number }

interface PlanEntry {
  readonly id?: string
  readonly name: string
  readonly rules: readonly RuleEntry[]
  readonly common?: JsonSchema
}

/**
 * Parses the text of a plan's file, which is YAML or JSON. Throws ConfigError with the first twenty problems, each as
 * `file:line:column: what: why`.
 */
export function parsePlan(text: string, fileName: string): Plan {
  if (Buffer.byteLength(text) > MAX_PLAN_BYTES) {
    throw new ConfigError([`${fileName}:1:1: the plan is larger than ${MAX_PLAN_BYTES} bytes`])
  }
  const { data, places } = read(text.replace(/^\uFEFF/, ''), fileName)
  const frame = validateFrame(data) ? [] : toFindings(validateFrame.errors ?? [], data)
  const findings = frame.length > 0 ? frame : planFindings(data as PlanEntry)
  if (findings.length > 0) {
    const shown = findings.slice(0, MAX_SHOWN_FINDINGS)
    const more = findings.length > shown.length ? [`${fileName}: and ${findings.length - shown.length} more`] : []
    throw new ConfigError([...places().report(shown), ...more])
  }
  return toPlan(data as PlanEntry)
}

/**
 * JSON is parsed by V8, which is a hundred times faster. The position of a finding is looked up only if there is one.
 */
function read(text: string, fileName: string): { readonly data: unknown; readonly places: () => YamlSource } {
  try {
    return { data: JSON.parse(text), places: () => parseYaml(text, fileName) }
  } catch {
    const yaml = parseYaml(text, fileName)
    return { data: yaml.data, places: () => yaml }
  }
}

function toPlan({ id, name, rules, common }: PlanEntry): Plan {
  return {
    id: id ?? name,
    name,
    rules: rules.map(({ type, event, version, schema: own }) => ({
      type,
      event,
      version: version ?? 1,
      schema: normaliseSchema(own)
    })),
    common: common === undefined ? undefined : normaliseSchema(common)
  }
}

/** Checks what the schema of the file cannot express. */
function planFindings({ rules, common }: PlanEntry): Finding[] {
  const seen = new Map<string, number>()
  const found: Finding[] = []
  for (const [index, rule] of rules.entries()) {
    const path = ['rules', index]
    found.push(...ruleFindings(rule, path), ...schemaFindings(rule.schema, [...path, 'schema']))
    const key = JSON.stringify([rule.type, rule.event, rule.version ?? 1])
    const before = seen.get(key)
    if (before === undefined) seen.set(key, index)
    else found.push({ path, message: `rules[${before}] is for the same event and version` })
    if (found.length > MAX_SHOWN_FINDINGS) return found
  }
  return common === undefined ? found : [...found, ...schemaFindings(common, ['common'])]
}

function ruleFindings({ type, event }: RuleEntry, path: Finding['path']): Finding[] {
  if (type === 'track' && event === undefined) return [{ path, message: 'a rule for track calls needs an event' }]
  if (event !== undefined && type !== 'track' && type !== 'page' && type !== 'screen') {
    return [{ path: [...path, 'event'], message: `${type} calls have no name` }]
  }
  return []
}

function schemaFindings(given: JsonSchema, path: Finding['path']): Finding[] {
  const bounds = boundFindings(given)
  if (bounds.length > 0) return bounds.map(finding => ({ ...finding, path: [...path, ...finding.path] }))
  const fault = metaFault(normaliseSchema(given))
  if (fault === undefined) return []
  const steps = fault.instancePath.split('/').slice(1)
  const inner = steps.map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return [{ path: [...path, ...inner], message: `not a JSON Schema: ${fault.message ?? 'it does not hold'}` }]
}
