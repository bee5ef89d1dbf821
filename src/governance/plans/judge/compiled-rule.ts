import type { ValidateFunction } from 'ajv'
import type { SchemaCompiler } from './compile-schema.ts'
import { ASSERTIONS } from '../schema/keywords.ts'
import type { JsonSchema, SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'
import type { Shape } from '../schema/shape.ts'
import { shapeOf } from '../schema/shape.ts'

/** A rule that can be applied. */
export interface CompiledRule {
  readonly validate: ValidateFunction
  /** The members of an event that the schema examines; undefined: it needs the whole event. */
  readonly reads: readonly string[] | undefined
  /** The planned members of `properties` or `traits`. */
  readonly shape: Shape | undefined
}

/** The keywords that a rule's schema may have at its top level if only members of the event are examined. */
const PLAIN_KEYWORDS: ReadonlySet<string> = new Set(['type', 'properties', 'required', '$defs', 'definitions'])
/** @param payload the member that holds the event's data: `properties` or `traits` */
export function compileRule(compiler: SchemaCompiler, schema: JsonSchema, payload: string): CompiledRule {
  const inner = isSchemaObject(schema) ? membersOf(schema)[payload] : undefined
  const shape = inner === undefined ? undefined : shapeOf(schema, inner as JsonSchema)
  return { validate: compiler.compile(schema), reads: readsOf(schema), shape }
}

function readsOf(schema: JsonSchema): readonly string[] | undefined {
  if (!isSchemaObject(schema)) return schema ? [] : undefined
  if (Object.keys(schema).some(keyword => ASSERTIONS.has(keyword) && !PLAIN_KEYWORDS.has(keyword))) return undefined
  if (schema['type'] !== undefined && ![schema['type']].flat().includes('object')) return undefined
  const members = membersOf(schema)
  const looked = Object.keys(members).filter(key => assertsAnything(members[key]))
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
  return [...new Set([...looked, ...required])]
}

function membersOf({ properties }: SchemaObject): SchemaObject {
  return isSchemaObject(properties) ? properties : {}
}

function assertsAnything(schema: unknown): boolean {
  return isSchemaObject(schema) ? Object.keys(schema).some(keyword => ASSERTIONS.has(keyword)) : schema === false
}
