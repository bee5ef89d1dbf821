import type { ErrorObject } from 'ajv'
import type { MemberPath } from '../schema/shape.ts'

/** One violation of an event's plan, in the form that Segment uses in `context.protocols`. */
export interface Violation {
  /** The kind: Required, Invalid Type, ... */
  readonly type: string
  /** The path of the member, with dots; `(root)` is the event itself. */
  readonly field: string
  readonly description: string
  /** The same path as steps, if a member can be named. */
  readonly path: MemberPath
}

/** Errors inside these keywords belong to one alternative. The keyword itself is what failed. */
const INSIDE_TRY = /\/(anyOf|oneOf|not|if|contains|propertyNames)\/./
const MAX_DESCRIPTION_CHARS = 300
const MAX_LISTED_VALUES = 10

/** Ajv's errors in the words of Segment's validator (gojsonschema), without those that follow from another. */
export function toViolations(errors: readonly ErrorObject[], event: unknown): Violation[] {
  const own = errors.filter(({ schemaPath, keyword }) => !INSIDE_TRY.test(schemaPath) && keyword !== 'if')
  return (own.length === 0 ? errors : own).map(error => toViolation(error, event))
}

function toViolation(error: ErrorObject, event: unknown): Violation {
  const path = pathOf(error.instancePath)
  const params = error.params as Record<string, unknown>
  const [type, description, at] = wordsOf(error.keyword, { params, path, event })
  return { type, field: fieldOf(at), description: description.slice(0, MAX_DESCRIPTION_CHARS), path: at }
}

interface Fault {
  readonly params: Record<string, unknown>
  readonly path: MemberPath
  readonly event: unknown
}

type Words = readonly [type: string, description: string, path: MemberPath]

function wordsOf(keyword: string, { params, path, event }: Fault): Words {
  const limit = String(params['limit'])
  switch (keyword) {
    case 'required': {
      const missing = [...path, String(params['missingProperty'])]
      return ['Required', `${fieldOf(missing)} is required`, missing]
    }
    case 'additionalProperties': {
      const extra = String(params['additionalProperty'])
      return ['Additional Property', `Additional property ${extra} is not allowed`, [...path, extra]]
    }
    case 'type':
      return [
        'Invalid Type',
        `Invalid type. Expected: ${[params['type']].flat().join()}, given: ${kindOf(at(event, path))}`,
        path
      ]
    case 'enum':
      return ['Enum', `${fieldOf(path)} must be one of the following: ${listed(params['allowedValues'])}`, path]
    case 'const':
      return ['Const', `${fieldOf(path)} does not match: ${JSON.stringify(params['allowedValue'])}`, path]
    case 'pattern':
      return ['Pattern', `Does not match pattern '${String(params['pattern'])}'`, path]
    case 'format':
      return ['Format', `Does not match format '${String(params['format'])}'`, path]
    case 'minLength':
      return ['String Length', `String length must be greater than or equal to ${limit}`, path]
    case 'maxLength':
      return ['String Length', `String length must be less than or equal to ${limit}`, path]
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return ['Number Range', `Must be ${COMPARED[keyword]} ${limit}`, path]
    case 'multipleOf':
      return ['Multiple Of', `Must be a multiple of ${String(params['multipleOf'])}`, path]
    case 'minItems':
      return ['Array Length', `Array must have at least ${limit} items`, path]
    case 'maxItems':
      return ['Array Length', `Array must have at most ${limit} items`, path]
    case 'uniqueItems':
      return ['Unique', 'array items must be unique', path]
    case 'anyOf':
      return ['Any Of', 'Must validate at least one schema (anyOf)', path]
    case 'oneOf':
      return ['One Of', 'Must validate one and only one schema (oneOf)', path]
    case 'not':
      return ['Not', 'Must not validate the schema (not)', path]
    default:
      return ['Schema', `Does not hold: ${keyword}`, path]
  }
}

const COMPARED = {
  minimum: 'greater than or equal to',
  maximum: 'less than or equal to',
  exclusiveMinimum: 'greater than',
  exclusiveMaximum: 'less than'
} as const

function listed(values: unknown): string {
  const all = Array.isArray(values) ? values : []
  const shown = all.slice(0, MAX_LISTED_VALUES).map(value => JSON.stringify(value))
  return all.length > shown.length ? `${shown.join(', ')}, ...` : shown.join(', ')
}

/** `(root)` for the event itself, as in gojsonschema. */
export function fieldOf(path: MemberPath): string {
  return path.length === 0 ? '(root)' : path.join('.')
}

function pathOf(pointer: string): MemberPath {
  if (pointer === '') return []
  return pointer
    .slice(1)
    .split('/')
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map(step => (/^\d+$/.test(step) ? Number(step) : step))
}

function at(value: unknown, path: MemberPath): unknown {
  let inner: unknown = value
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) return undefined
    inner = (inner as Record<string | number, unknown>)[step]
  }
  return inner
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}
