import type { Violation } from '../../contract/compile.ts'
import type { Fault, ReasonCode } from '../../model/reasons.ts'
import { fault } from '../../model/reasons.ts'

/** The reason codes for violations of a top-level field. All other violations are `schema_violation`. */
interface FieldRule {
  /** The keywords whose violation is reported as `code`. */
  readonly keywords: readonly string[]
  readonly code: ReasonCode
  /** The code if the required field is missing. */
  readonly missing?: ReasonCode
  /** The rule also applies to violations inside the field. */
  readonly deep?: true
}

const ID: FieldRule = { keywords: ['type', 'minLength'], code: 'id_not_string', missing: 'id_required' }

const CONTEXT: FieldRule = { keywords: ['type'], code: 'context_not_object' }
const INTEGRATIONS: FieldRule = { keywords: ['type', 'oneOf'], code: 'integrations_invalid', deep: true }

const EVENT_RULES: ReadonlyMap<string, FieldRule> = new Map(
  Object.entries({
    type: { keywords: ['type', 'enum'], code: 'type_invalid', missing: 'type_invalid' },
    userId: ID,
    anonymousId: ID,
    groupId: ID,
    previousId: ID,
    event: { keywords: ['type', 'minLength'], code: 'event_not_string', missing: 'event_not_defined' },
    name: { keywords: ['type'], code: 'name_not_string' },
    category: { keywords: ['type'], code: 'category_not_string' },
    properties: { keywords: ['type'], code: 'properties_not_object' },
    traits: { keywords: ['type'], code: 'traits_not_object' },
    context: CONTEXT,
    integrations: INTEGRATIONS,
    timestamp: { keywords: ['type', 'format'], code: 'timestamp_invalid' },
    messageId: { keywords: ['type', 'minLength', 'maxLength'], code: 'message_id_invalid' }
  } satisfies Record<string, FieldRule>)
)

const ENVELOPE_RULES: ReadonlyMap<string, FieldRule> = new Map(
  Object.entries({
    batch: { keywords: ['type'], code: 'batch_not_array', missing: 'batch_required' },
    context: CONTEXT,
    integrations: INTEGRATIONS
  } satisfies Record<string, FieldRule>)
)

/** The fault for a violation in an event, with a code of the reason list. */
export function toEventFault(violation: Violation): Fault {
  if (violation.pointer === '' && violation.keyword === 'type') return fault('event_not_object')
  return toFault(violation, EVENT_RULES)
}

/** The fault for a violation in the body of a batch, outside its items. */
export function toEnvelopeFault(violation: Violation): Fault {
  if (violation.pointer === '/batch' && violation.keyword === 'minItems') return fault('empty_batch', '/batch')
  if (violation.pointer === '/batch' && violation.keyword === 'maxItems')
    return fault('too_many_events', '/batch', `${describe(violation)} (maxItems in openapi.yml, or MAX_BATCH_EVENTS)`)
  return toFault(violation, ENVELOPE_RULES)
}

function toFault(violation: Violation, rules: ReadonlyMap<string, FieldRule>): Fault {
  const pointer = shorten(violation.pointer)
  const [, field = '', ...inside] = violation.pointer.split('/')
  const rule = rules.get(field)
  const code =
    rule === undefined || (inside.length > 0 && rule.deep === undefined) ? undefined : codeOf(violation, rule)
  if (code === undefined) return fault('schema_violation', pointer, describe(violation, pointer))
  return rule === ID ? fault(code, pointer, describeId(field, code)) : fault(code, pointer)
}

function codeOf(violation: Violation, rule: FieldRule): ReasonCode | undefined {
  if (rule.missing !== undefined && isMissing(violation)) return rule.missing
  return rule.keywords.includes(violation.keyword) ? rule.code : undefined
}

/** Whether the field is absent or null. `not` or `type` refuses null for a required field. */
function isMissing({ keyword, value }: Violation): boolean {
  return value === undefined || (value === null && (keyword === 'not' || keyword === 'type'))
}

function describeId(field: string, code: ReasonCode): string {
  return code === 'id_required' ? `${field} is required` : `${field} must be a non-empty string`
}

/** Bounds of the answer: a key can be as long as the payload. */
const MAX_POINTER_CHARS = 200
const MAX_MESSAGE_CHARS = 400

/** The pointer of the nearest enclosing value that is short enough to be shown. */
function shorten(pointer: string): string {
  let short = pointer
  while (short.length > MAX_POINTER_CHARS) short = short.slice(0, short.lastIndexOf('/', MAX_POINTER_CHARS))
  return short
}

function describe(violation: Violation, pointer = violation.pointer): string {
  const { keyword, value, message } = violation
  const what = keyword === 'not' && value === null ? 'is required' : message
  const where =
    pointer === '' ? 'the payload' : pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')
  return `${where} ${what}`.slice(0, MAX_MESSAGE_CHARS)
}
