import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as AjvModule from 'ajv/dist/2020.js'
import type * as StandaloneModule from 'ajv/dist/standalone/index.js'
import type { Ajv2020, ErrorObject, Options, ValidateFunction } from 'ajv/dist/2020.js'
import { keptCode } from '../disk/kept-code.ts'
import type { EventType } from '../model/event-types.ts'
import { EVENT_TYPES } from '../model/event-types.ts'
import { DEFAULT_LIMITS } from '../model/limits.ts'
import { toCompatible } from './compatible.ts'
import type { ContractDocument } from './document.ts'
import { escapeKey } from './document.ts'
import type { EnvelopeOptions } from './event-schemas.ts'
import { addEventSchemas, ENVELOPE_SCHEMA_NAME, eventSchemaName } from './event-schemas.ts'
import { addSafeFormats, SAFE_FORMATS } from './formats.ts'
import { NOT_NULL, ownKeywords } from './own-keywords.ts'
import type { ConstraintsByField } from './field-constraints.ts'
import { constraintsOf } from './field-constraints.ts'

/** `strict`: the document as it is. `compatible`: the document with the transformations of `compatible.ts`. */
export type ValidationMode = 'compatible' | 'strict'

/** The first error that a schema finds in a value. */
export interface Violation {
  /** JSON pointer (RFC 6901) to the wrong or missing value. */
  readonly pointer: string
  /** The keyword of JSON Schema that failed: `type`, `required`, `format`... */
  readonly keyword: string
  /** The value at `pointer`; undefined if it is missing. */
  readonly value: unknown
  /** For example `must be string`. It contains no text of the payload. */
  readonly message: string
}

/** Returns undefined if the value is valid. Never changes the value. */
export type Check = (value: unknown) => Violation | undefined

export interface CompiledContract {
  readonly mode: ValidationMode
  /** One check for each type. An event of a single call needs its `type` too: the caller sets it from the path. */
  readonly events: Readonly<Record<EventType, Check>>
  /** Checks the body of a batch, without the items of `batch`. */
  readonly envelope: Check
  /** The fields that `events` depend on, by type; undefined: all fields. */
  readonly constraints: Readonly<Record<EventType, ConstraintsByField | undefined>>
  /** The fields that `envelope` depends on; undefined: all fields. */
  readonly envelopeConstraints: ConstraintsByField | undefined
}

export interface CompileOptions extends Partial<EnvelopeOptions> {
  readonly document: ContractDocument
  readonly mode: ValidationMode
  /** A folder for the compiled validators, which makes the next start faster. */
  readonly keepIn?: string
}

/** Ajv is loaded only where something is compiled. */
const require = createRequire(import.meta.url)

/**
 * Validation stops at the first error, which bounds the cost of a hostile event. ajv checks required fields first, and
 * then properties in the document's order: faults are reported in this order. Data is never changed: no coercion, no
 * defaults, no removal (these are ajv's defaults). `required` may name a key that `properties` does not describe.
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
  // A schema with many references becomes one function, not one copy for each. This halves the generated code and takes
  // a third off the time to compile it.
  inlineRefs: false,
  // V8 optimizes the code that runs; without ajv's own optimization, compiling takes a fifth less time.
  code: { optimize: false },
  // A test validates the document against OpenAPI's schema. At every start, this would take a tenth of the start time.
  validateSchema: false
}

/** Keywords that OpenAPI adds to those of JSON Schema. They assert nothing. */
const OPENAPI_KEYWORDS = ['discriminator', 'example', 'externalDocs', 'xml']

const DOCUMENT_KEY = 'contract'

/** The ajv key of the document before loosening. Schemas that the compatible mode does not loosen refer to it. */
const ORIGINAL_KEY = 'original'

/** The root keys of the document that references point into. ajv reads the document as a schema, so these keys are keywords. */
const DOCUMENT_PARTS = ['components', 'paths']

/** The schemas that become validators. */
const NAMES: readonly string[] = [...EVENT_TYPES.map(eventSchemaName), ENVELOPE_SCHEMA_NAME]

/**
 * Compiles the document, once, at start. Throws if the document uses an unknown keyword, type or format.
 *
 * @returns validators for events and for the body of a batch, and the fields that each validator depends on
 */
export function compileContract({
  document,
  mode,
  maxBatchEvents = DEFAULT_LIMITS.maxBatchEvents,
  keepIn
}: CompileOptions): CompiledContract {
  const original = addEventSchemas(document, { maxBatchEvents })
  const effective = mode === 'compatible' ? toCompatible(original, ORIGINAL_KEY) : original
  const validators = keptCode({
    dir: keepIn,
    from: keepIn === undefined ? [] : [mode, schemasText(original), schemasText(effective), ...codeOfThisFolder()],
    make: () => compileDocuments({ original, effective, mode, isKept: keepIn !== undefined })
  })({ require, formats: SAFE_FORMATS })
  const check = (name: string): Check => toCheck(validators[name] as ValidateFunction)
  return {
    mode,
    events: byType(type => check(eventSchemaName(type))),
    envelope: check(ENVELOPE_SCHEMA_NAME),
    constraints: byType(type => constraintsOf(effective, eventSchemaName(type))),
    envelopeConstraints: constraintsOf(effective, ENVELOPE_SCHEMA_NAME)
  }
}

/** What the compiled validators depend on, apart from the documents: Ajv, its formats, and the code that uses them. */
function codeOfThisFolder(): string[] {
  const own = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ name }) => join(import.meta.dirname, name))
  const packages = ['ajv/package.json', 'ajv-formats/package.json'].map(name => require.resolve(name))
  return [...packages, ...own].map(file => readFileSync(file, 'utf8'))
}

interface Documents {
  readonly original: ContractDocument
  readonly effective: ContractDocument
  readonly mode: ValidationMode
  /** Whether the text of the code is wanted. */
  readonly isKept: boolean
}

/** What kept code exports: it is given the packages and the formats that it uses. */
type Validators = (uses: {
  readonly require: NodeJS.Require
  readonly formats: typeof SAFE_FORMATS
}) => Record<string, ValidateFunction>

function compileDocuments({ original, effective, mode, isKept }: Documents) {
  const { Ajv2020, _ } = require('ajv/dist/2020.js') as typeof AjvModule
  const code = { ...AJV_OPTIONS.code, ...(isKept ? { source: true, formats: _`formats` } : {}) }
  const ajv = new Ajv2020({ ...AJV_OPTIONS, code, ownProperties: namesInherited(original) })
  ajv.addVocabulary([...OPENAPI_KEYWORDS, ...DOCUMENT_PARTS])
  addSafeFormats(ajv)
  const add = ({ components, paths }: ContractDocument, key: string) => ajv.addSchema({ components, paths }, key)
  if (mode === 'compatible') {
    ajv.addVocabulary([...ownKeywords(_)])
    add(original, ORIGINAL_KEY)
  }
  add(effective, DOCUMENT_KEY)
  for (const [index, name] of NAMES.entries())
    ajv.addSchema({ $ref: `${DOCUMENT_KEY}#/components/schemas/${name}` }, `check-${index}`)
  const made = Object.fromEntries(
    NAMES.map((name, index) => [name, ajv.getSchema(`check-${index}`) as ValidateFunction])
  )
  const exports: Validators = () => made
  return { exports, text: isKept ? codeOf(ajv) : '' }
}

function codeOf(ajv: Ajv2020): string {
  const { default: standaloneCode } = require('ajv/dist/standalone') as typeof StandaloneModule.default
  const keys = Object.fromEntries(NAMES.map((name, index) => [name, `check-${index}`]))
  return `'use strict'
module.exports = ({ require, formats }) => {
const exports = {}
${standaloneCode(ajv, keys)}
return exports
}
`
}

const INHERITED = Object.getOwnPropertyNames(Object.prototype)

/**
 * Whether the document may name a property that every JavaScript object inherits, such as `constructor`. The validators must
 * then check for own properties, which takes 50 % more time.
 */
function namesInherited(document: ContractDocument): boolean {
  const text = schemasText(document)
  return INHERITED.some(name => text.includes(`"${name}"`))
}

function schemasText({ components, paths }: ContractDocument): string {
  return JSON.stringify([components, paths])
}

function byType<T>(make: (type: EventType) => T): Record<EventType, T> {
  return Object.fromEntries(EVENT_TYPES.map(type => [type, make(type)])) as Record<EventType, T>
}

function toCheck(validate: ValidateFunction): Check {
  return value => (validate(value) ? undefined : toViolation(validate.errors ?? []))
}

/** Takes the last error: those of `anyOf` and `oneOf` follow their branches' errors. `if` says only that its branch failed. */
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

/** The type that the contract expects, without the null that the compatible mode adds. */
function expectation({ keyword, params }: ErrorObject): string | undefined {
  if (keyword !== 'type') return undefined
  const types = [params['type'] as string | string[]].flat()
  const own = types.filter(type => type !== 'null')
  return `must be ${(own.length === 0 ? types : own).join(' or ')}`
}
