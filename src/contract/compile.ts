import type { ErrorObject, Options, ValidateFunction } from 'ajv/dist/2020.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { EventType } from '../model/event-types.ts'
import { EVENT_TYPES } from '../model/event-types.ts'
import { DEFAULT_LIMITS } from '../model/limits.ts'
import { toCompatible } from './compatible.ts'
import type { ContractDocument } from './document.ts'
import { escapeKey } from './document.ts'
import type { EnvelopeOptions } from './event-schemas.ts'
import { addEventSchemas, ENVELOPE_SCHEMA_NAME, eventSchemaName } from './event-schemas.ts'
import { addSafeFormats } from './formats.ts'
import { NOT_NULL, OWN_KEYWORDS } from './own-keywords.ts'
import type { ConstraintsByField } from './field-constraints.ts'
import { constraintsOf } from './field-constraints.ts'

/** `strict` is the document to the letter; `compatible` is the same with the transformations of `compatible.ts`. */
export type ValidationMode = 'compatible' | 'strict'

/** The first thing that a schema finds wrong with a value. */
export interface Violation {
  /** JSON pointer (RFC 6901) to what is wrong or missing. */
  readonly pointer: string
  /** The keyword of JSON Schema that failed: `type`, `required`, `format`... */
  readonly keyword: string
  /** What stands at `pointer`; undefined where nothing does. */
  readonly value: unknown
  /** The contract's words, without any of the payload's: `must be string`. */
  readonly message: string
}

/** Undefined where the value is good. Never changes the value. */
export type Check = (value: unknown) => Violation | undefined

export interface CompiledContract {
  readonly mode: ValidationMode
  /** By type; an event that came alone has to have its `type` too, which is that of its path. */
  readonly events: Readonly<Record<EventType, Check>>
  /** A batch's body, without looking into the items of `batch`. */
  readonly envelope: Check
  /** What `events` look at, by type; undefined: everything. */
  readonly constraints: Readonly<Record<EventType, ConstraintsByField | undefined>>
  /** What `envelope` looks at; undefined: everything. */
  readonly envelopeConstraints: ConstraintsByField | undefined
}

export interface CompileOptions extends Partial<EnvelopeOptions> {
  readonly document: ContractDocument
  readonly mode: ValidationMode
}

/**
 * Stops at the first error: what a hostile event costs is bounded, and ajv takes required fields before properties and
 * properties in the document's order, which is the order in which faults are to be reported. Data is never changed:
 * no coercion, no defaults, nothing removed (ajv's defaults, spelled out). A key may be required without being described.
 */
const AJV_OPTIONS: Options = {
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  allErrors: false,
  verbose: true,
  coerceTypes: false,
  useDefaults: false,
  removeAdditional: false,
  // A schema that many refer to is one function, not a copy in each: half the code, and two thirds of its compiling.
  inlineRefs: false,
  // V8 does the same for the code that runs; without it a fifth less compiling.
  code: { optimize: false },
  // A test holds the document against OpenAPI's own schema; doing it at every start would take a tenth of it.
  validateSchema: false
}

/** What OpenAPI allows in a schema beside JSON Schema's keywords; none of it asserts anything. */
const OPENAPI_KEYWORDS = ['discriminator', 'example', 'externalDocs', 'xml']

const DOCUMENT_KEY = 'contract'

/** What the compatible mode does not loosen refers to the document as it was given. */
const ORIGINAL_KEY = 'original'

/** The parts of the document that references point into; ajv must know them as keywords, for they stand at its root. */
const DOCUMENT_PARTS = ['components', 'paths']

/** Compiles the document, once, at start. Throws where it uses a keyword, type or format that there is none of. */
export function compileContract({
  document,
  mode,
  maxBatchEvents = DEFAULT_LIMITS.maxBatchEvents
}: CompileOptions): CompiledContract {
  const complete = addEventSchemas(document, { maxBatchEvents })
  const ajv = new Ajv2020({ ...AJV_OPTIONS, ownProperties: namesInherited(complete) })
  ajv.addVocabulary([...OPENAPI_KEYWORDS, ...DOCUMENT_PARTS])
  addSafeFormats(ajv)
  const add = ({ components, paths }: ContractDocument, key: string) => ajv.addSchema({ components, paths }, key)
  if (mode === 'compatible') {
    ajv.addVocabulary([...OWN_KEYWORDS])
    add(complete, ORIGINAL_KEY)
  }
  const effective = mode === 'compatible' ? toCompatible(complete, ORIGINAL_KEY) : complete
  add(effective, DOCUMENT_KEY)
  const check = (name: string): Check => toCheck(ajv.compile({ $ref: `${DOCUMENT_KEY}#/components/schemas/${name}` }))
  return {
    mode,
    events: byType(type => check(eventSchemaName(type))),
    envelope: check(ENVELOPE_SCHEMA_NAME),
    constraints: byType(type => constraintsOf(effective, eventSchemaName(type))),
    envelopeConstraints: constraintsOf(effective, ENVELOPE_SCHEMA_NAME)
  }
}

const INHERITED = Object.getOwnPropertyNames(Object.prototype)

/**
 * Whether the document may name a property that every object of JavaScript inherits, as `constructor`: its validators must
 * then ask whether an object has the property itself, which takes them half as long again.
 */
function namesInherited({ components, paths }: ContractDocument): boolean {
  const text = JSON.stringify([components, paths])
  return INHERITED.some(name => text.includes(`"${name}"`))
}

function byType<T>(make: (type: EventType) => T): Record<EventType, T> {
  return Object.fromEntries(EVENT_TYPES.map(type => [type, make(type)])) as Record<EventType, T>
}

function toCheck(validate: ValidateFunction): Check {
  return value => (validate(value) ? undefined : toViolation(validate.errors ?? []))
}

/** `oneOf` and its like list what each branch found before themselves; `if` says only that its branch failed. */
function toViolation(errors: readonly ErrorObject[]): Violation {
  const error = errors.findLast(({ keyword }) => keyword !== 'if')
  if (error === undefined) throw new Error('the contract refused a value without saying why')
  const { instancePath, message = 'is not valid', params } = error
  const keyword = error.keyword === NOT_NULL ? 'not' : error.keyword
  const missing: unknown = params['missingProperty']
  if (typeof missing === 'string') {
    return { keyword, pointer: `${instancePath}/${escapeKey(missing)}`, value: undefined, message: 'is required' }
  }
  const extra: unknown = params['additionalProperty'] ?? params['unevaluatedProperty']
  if (typeof extra === 'string') {
    return {
      keyword,
      pointer: `${instancePath}/${escapeKey(extra)}`,
      value: (error.data as Record<string, unknown>)[extra],
      message: 'is not allowed'
    }
  }
  return { keyword, pointer: instancePath, value: error.data, message: expectation(error) ?? message }
}

/** Which type was expected, as the contract says it: without the null that the compatible mode takes besides. */
function expectation({ keyword, params }: ErrorObject): string | undefined {
  if (keyword !== 'type') return undefined
  const types = [params['type'] as string | string[]].flat()
  const own = types.filter(type => type !== 'null')
  return `must be ${(own.length === 0 ? types : own).join(' or ')}`
}
