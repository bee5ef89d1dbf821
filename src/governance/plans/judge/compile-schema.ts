import type { ErrorObject, FuncKeywordDefinition, ValidateFunction } from 'ajv'
import { _, Ajv2020 } from 'ajv/dist/2020.js'
import { addSafeFormats } from '../../../contract/formats.ts'
import { ajvPatternEngine } from '../schema/linear-pattern.ts'
import type { JsonSchema } from '../schema/schema-parts.ts'
import { isSchemaObject, partsOf } from '../schema/schema-parts.ts'
import { isMultipleOf } from './multiple-of.ts'

/** Compiles the schemas of one plan. It is dropped with the plan, and with it everything that ajv caches. */
export interface SchemaCompiler {
  compile(schema: JsonSchema): ValidateFunction
}

/** @param schemas all schemas that will be compiled: they determine ajv's options */
export function createSchemaCompiler(schemas: readonly JsonSchema[]): SchemaCompiler {
  const ajv = new Ajv2020({
    allErrors: true,
    // A plan contains words of its own (labels, nameMapping), and was checked before.
    strict: false,
    validateSchema: false,
    addUsedSchema: false,
    logger: false,
    ownProperties: schemas.some(namesInherited),
    code: { regExp: ajvPatternEngine }
  })
  addSafeFormats(ajv)
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', compile: compileUnique })
  ajv.removeKeyword('multipleOf')
  ajv.addKeyword(MULTIPLE_OF)
  return { compile: schema => ajv.compile(schema) }
}

/** Ajv's own keyword divides doubles, and refuses a price of 19.99 if `multipleOf` is 0.01. */
const MULTIPLE_OF: FuncKeywordDefinition = {
  keyword: 'multipleOf',
  type: 'number',
  schemaType: 'number',
  compile: (step: number) => (value: number) => isMultipleOf(value, step),
  errors: false,
  error: { message: 'must be a multiple', params: ({ schemaCode }) => _`{multipleOf: ${schemaCode}}` }
}

/** Ajv's own keyword compares each element with every other: a second for an event of 32 KB. */
function compileUnique(isAsked: boolean): (list: unknown[]) => boolean {
  return list => !isAsked || list.length < 2 || new Set(list.map(spell)).size === list.length
}

/** The same text for values that are equal in JSON Schema. */
function spell(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(spell).join()}]`
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, inner]) => `${JSON.stringify(key)}:${spell(inner)}`).join()}}`
}

/** Whether a schema names a property that every JavaScript object inherits, such as `constructor`. */
function namesInherited(schema: JsonSchema): boolean {
  if (!isSchemaObject(schema)) return false
  const { properties, required } = schema
  const names = [
    ...(isSchemaObject(properties) ? Object.keys(properties) : []),
    ...(Array.isArray(required) ? required : [])
  ]
  return (
    names.some(name => String(name) in Object.prototype) ||
    [...partsOf(schema)].some(part => namesInherited(part.schema))
  )
}

/** The meta-schema, for messages with a position. */
const meta = new Ajv2020({ strict: false, allErrors: false, logger: false, validateFormats: false })

/** Why a schema is not a valid schema of draft 2020-12; undefined if it is. */
export function metaFault(schema: JsonSchema): Pick<ErrorObject, 'instancePath' | 'message'> | undefined {
  if (meta.validateSchema(schema) === true) return undefined
  const [error] = meta.errors ?? []
  return error ?? { instancePath: '', message: 'not a JSON Schema' }
}
