import type { Finding } from '../../../config/file/yaml-source.ts'
import { compilePattern } from './linear-pattern.ts'
import type { JsonSchema, SchemaObject, SchemaPath } from './schema-parts.ts'
import { isSchemaObject, partsOf, resolveLocal } from './schema-parts.ts'

/** The limits of one schema of a plan. They bound the time to check an event. */
const SCHEMA_BOUNDS = {
  /** The depth of nested schemas. */
  depth: 32,
  /** The number of parts. A part counts once for each reference that leads to it. */
  parts: 5_000,
  patterns: 50,
  enumValues: 1_000
} as const

/** References of later drafts that depend on where they are evaluated. Nobody writes plans with them. */
const DYNAMIC = ['$dynamicRef', '$recursiveRef']

/**
 * Why a schema cannot be used: it is too deep, too large, refers to itself or to something outside, or has a pattern
 * that is not linear. The first finding ends the search of its part, so that a hostile schema costs no more than a good
 * one.
 */
export function boundFindings(root: JsonSchema): Finding[] {
  const check = new BoundCheck(root)
  check.visit(root, [])
  return check.findings
}

class BoundCheck {
  readonly findings: Finding[] = []
  readonly #root: JsonSchema
  /** The schemas from the root to the current one, through references. */
  readonly #way = new Set<JsonSchema>()
  /** The number of parts of a schema and everything below it. */
  readonly #sizes = new Map<JsonSchema, number>()
  #patterns = 0

  constructor(root: JsonSchema) {
    this.#root = root
  }

  /** @returns the number of the schema's parts, through references */
  visit(schema: JsonSchema, path: SchemaPath): number {
    if (typeof schema === 'boolean') return 1
    const known = this.#sizes.get(schema)
    if (known !== undefined) return known
    if (this.#way.size >= SCHEMA_BOUNDS.depth) {
      return this.#find(path, `nested deeper than ${SCHEMA_BOUNDS.depth} schemas`)
    }
    this.#way.add(schema)
    let size = 1 + this.#visitOwn(schema, path)
    for (const part of partsOf(schema)) {
      size += this.visit(part.schema, [...path, ...part.path])
      if (size > SCHEMA_BOUNDS.parts) {
        size = this.#find(path, `more than ${SCHEMA_BOUNDS.parts} parts, references followed`)
        break
      }
    }
    this.#way.delete(schema)
    this.#sizes.set(schema, size)
    return size
  }

  #visitOwn(schema: SchemaObject, path: SchemaPath): number {
    const { pattern, patternProperties, enum: values, properties, $ref } = schema
    if (typeof pattern === 'string') this.#pattern(pattern, [...path, 'pattern'])
    for (const key of keysOf(patternProperties)) this.#pattern(key, [...path, 'patternProperties', key])
    if (keysOf(properties).includes('__proto__')) this.#find([...path, 'properties'], 'no event may have __proto__')
    for (const keyword of DYNAMIC) {
      if (Object.hasOwn(schema, keyword)) this.#find([...path, keyword], `${keyword} is not supported`)
    }
    if (Array.isArray(values) && values.length > SCHEMA_BOUNDS.enumValues) {
      this.#find([...path, 'enum'], `more than ${SCHEMA_BOUNDS.enumValues} values`)
    }
    return typeof $ref === 'string' ? this.#reference($ref, [...path, '$ref']) : 0
  }

  #reference(reference: string, path: SchemaPath): number {
    const target = resolveLocal(this.#root, reference)
    if (target === undefined) {
      return this.#find(path, 'a reference leads to a place in the same schema that exists, as #/$defs/name')
    }
    if (this.#way.has(target.schema)) return this.#find(path, 'the schema refers to itself: recursion is not supported')
    return this.visit(target.schema, target.path)
  }

  #pattern(pattern: string, path: SchemaPath): void {
    if (++this.#patterns > SCHEMA_BOUNDS.patterns) {
      if (this.#patterns === SCHEMA_BOUNDS.patterns + 1)
        this.#find(path, `more than ${SCHEMA_BOUNDS.patterns} patterns`)
      return
    }
    try {
      compilePattern(pattern)
    } catch (error) {
      this.#find(path, `not a pattern that RE2 takes: ${(error as Error).message.slice(0, 200)}`)
    }
  }

  #find(path: SchemaPath, message: string): number {
    if (this.findings.length < 20) this.findings.push({ path, message })
    return 0
  }
}

function keysOf(value: unknown): readonly string[] {
  return isSchemaObject(value) ? Object.keys(value) : []
}
