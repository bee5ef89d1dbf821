import { isDeepStrictEqual } from 'node:util'
import type { ContractDocument, Json, Schema } from './document.ts'
import { resolveRef, isObject } from './document.ts'
import { mapKey, mapObject, mapSchemas, mapValues } from './map-schemas.ts'
import { EMPTY_ARRAY_OR, NOT_NULL, NULL_OR } from './own-keywords.ts'
import {
  acceptsEmptyObject,
  isInside,
  isListedAsNull,
  mayMatchTogether,
  ownRequired,
  requiredNames,
  schemasInPlace,
  typesOf
} from './schema-facts.ts'

/** The context of a schema that is being loosened. */
export interface Place {
  readonly document: ContractDocument
  /** The schema before any transformation. */
  readonly given: Json
  /** All schemas of the document that apply to the same value, this schema included. */
  readonly beside: readonly Json[]
}

/**
 * One way in which the compatible mode loosens a schema. `apply` gets an object schema whose inner schemas are already
 * loosened, and returns the loosened schema. The argument is not changed.
 */
export interface Transformation {
  readonly name: string
  /** The real traffic that needs the transformation. */
  readonly reason: string
  apply(schema: Json, place: Place): Json
}

/** Keywords that can refuse null even if `type` allows it. For these schemas, adding null to `type` is not enough. */
const NULL_SENSITIVE = ['$ref', '$dynamicRef', 'enum', 'const', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'nullable']

const REFUSE_NULL: Schema = { [NOT_NULL]: true }

/**
 * An optional property may be null, which counts as absent. A required property may not be null, because it would then
 * be missing, unless the contract itself lists null for it. Values of maps (`additionalProperties`) keep their types,
 * because null for a destination has no meaning.
 */
export const nullIsAbsent: Transformation = {
  name: 'null counts as absent',
  reason: 'the SDKs for Python, .NET and Rust write null for every field that the caller left out',
  apply(schema, { document, beside }) {
    const required = new Set(ownRequired(schema))
    const properties = new Map(isObject(schema['properties']) ? Object.entries(schema['properties']) : [])
    for (const [name, property] of properties) {
      if (!required.has(name)) properties.set(name, orNull(property as Schema))
    }
    for (const name of required) {
      if (isListedAsNull(document, name, beside)) continue
      properties.set(name, properties.has(name) ? notNull(properties.get(name) as Schema) : REFUSE_NULL)
    }
    return properties.size === 0 ? schema : { ...schema, properties: Object.fromEntries(properties) }
  }
}

function orNull(schema: Schema): Schema {
  if (!isObject(schema)) return schema
  if (EMPTY_ARRAY_OR in schema) return { ...schema, [EMPTY_ARRAY_OR]: orNull(schema[EMPTY_ARRAY_OR] as Schema) }
  if (NULL_SENSITIVE.some(keyword => keyword in schema)) return { [NULL_OR]: schema }
  const types = typesOf(schema)
  return types === undefined || types.includes('null') ? schema : { ...schema, type: [...types, 'null'] }
}

function notNull(schema: Schema): Schema {
  if (isObject(schema) && typesOf(schema)?.includes('null') === false) return schema
  return isObject(schema) ? { ...schema, [NOT_NULL]: true } : { allOf: [schema, REFUSE_NULL] }
}

/** Applies only if the schema accepts `{}`: not if it has required properties or a minimum number of keys. */
export const emptyArrayIsEmptyObject: Transformation = {
  name: 'an empty array counts as an empty object where an object is expected',
  reason: 'PHP has one type for both, and its SDK writes empty dictionaries as []',
  apply(schema, { document, given }) {
    const types = typesOf(given)
    if (types === undefined || !types.includes('object') || types.includes('array')) return schema
    return acceptsEmptyObject(document, given) ? { [EMPTY_ARRAY_OR]: schema } : schema
  }
}

export const uriIsAnyString: Transformation = {
  name: 'format uri is not asserted',
  reason:
    'browsers write an empty referrer on every page that was opened directly, and pages have addresses that are not URIs',
  apply(schema) {
    if (schema['format'] !== 'uri') return schema
    const { format: _, ...rest } = schema
    return rest
  }
}

/** The whole difference between the two modes. The order matters: the last transformation wraps the results of the others. */
export const COMPATIBLE: readonly Transformation[] = [uriIsAnyString, nullIsAbsent, emptyArrayIsEmptyObject]

/**
 * Returns the document with every schema of its components and request bodies loosened. In some places a looser schema
 * would refuse more: in `not`, in `if`, and if a value then matches two schemas of `oneOf`. There the original schema
 * stays, and its references point into `original`, the ajv key of the document before loosening.
 */
export function toCompatible(document: ContractDocument, original: string): ContractDocument {
  const { components, paths } = document
  const loosener = new Loosener(document, original)
  const body = (value: unknown): unknown =>
    mapKey(value, 'content', content =>
      mapObject(content, media => mapKey(media, 'schema', schema => loosener.loosen(schema as Schema)))
    )
  const schemas = mapValues(components.schemas, schema => loosener.loosen(schema))
  const requestBodies = mapObject(components['requestBodies'] ?? {}, body)
  return {
    ...document,
    paths: mapValues(paths, path => mapObject(path, operation => mapKey(operation, 'requestBody', body))),
    components: { ...components, requestBodies, schemas: { ...schemas, ...loosener.targets() } }
  }
}

class Loosener {
  readonly #document: ContractDocument
  readonly #original: string
  /** Loosened copies of the targets of references into the inside of a schema, by reference: loosening may move a target. */
  readonly #copies = new Map<string, { readonly name: string; schema: Schema }>()

  constructor(document: ContractDocument, original: string) {
    this.#document = document
    this.#original = original
  }

  targets(): Record<string, Schema> {
    return Object.fromEntries([...this.#copies.values()].map(({ name, schema }) => [name, schema]))
  }

  /** Applies every transformation to a schema and to all schemas inside it, innermost first. */
  loosen(given: Schema, beside: readonly Json[] = schemasInPlace(this.#document, given)): Schema {
    if (!isObject(given)) return given
    const loosened = mapSchemas(given, (inner, keyword, isInPlace) => {
      if (staysAsGiven(keyword, given)) return this.#toOriginal(inner)
      return this.loosen(inner, isInPlace ? beside : undefined)
    })
    const schema = this.#keepChoice(given, this.#loosenRef(loosened, beside))
    const place = { document: this.#document, given, beside }
    return COMPATIBLE.reduce((looser, { apply }) => apply(looser, place), schema)
  }

  /** The target is inlined if it requires a field that only schemas beside the reference allow to be null. */
  #loosenRef(schema: Json, beside: readonly Json[]): Json {
    const { $ref: ref, ...rest } = schema
    if (!isInside(ref)) return schema
    const document = this.#document
    const target = resolveRef(document, ref)
    const own = schemasInPlace(document, target)
    const isOwnMatter = (name: string): boolean =>
      isListedAsNull(document, name, own) || !isListedAsNull(document, name, beside)
    if (requiredNames(document, target).every(isOwnMatter)) return { ...schema, $ref: this.#refTo(ref) }
    return { ...rest, allOf: [...((rest['allOf'] as Schema[] | undefined) ?? []), this.loosen(target, beside)] }
  }

  #refTo(ref: string): string {
    if (/^#\/components\/schemas\/[^/]+$/.test(ref)) return ref
    let copy = this.#copies.get(ref)
    if (copy === undefined) {
      copy = { name: `inner:${this.#copies.size}`, schema: true }
      // Stored before it is built, because the schema may refer to itself.
      this.#copies.set(ref, copy)
      copy.schema = this.loosen(resolveRef(this.#document, ref))
    }
    return `#/components/schemas/${copy.name}`
  }

  /** `oneOf` refuses a value that matches two schemas, and a loosened schema matches more. The original `oneOf` counts too. */
  #keepChoice(given: Json, schema: Json): Json {
    const { oneOf: loosened, ...rest } = schema
    if (!Array.isArray(loosened) || !mayMatchTogether(this.#document, given['oneOf'] as Schema[])) return schema
    const own = (given['oneOf'] as Schema[]).map(inner => this.#toOriginal(inner))
    if (isDeepStrictEqual(own, loosened)) return schema
    const either = { anyOf: [{ oneOf: own }, { oneOf: loosened }] }
    return { ...rest, allOf: [...((rest['allOf'] as Schema[] | undefined) ?? []), either] }
  }

  /** Returns the schema unchanged, but with references into the original document. */
  #toOriginal(schema: Schema): Schema {
    if (!isObject(schema)) return schema
    // The name of an anchor must be unique in a document, so the copy has no anchors.
    const {
      $ref: ref,
      $anchor: _,
      $dynamicAnchor: __,
      $id: ___,
      ...copy
    } = mapSchemas(schema, inner => this.#toOriginal(inner))
    if (typeof ref !== 'string') return copy
    return { ...copy, $ref: ref.startsWith('#') ? `${this.#original}${ref}` : ref }
  }
}

/** A looser `not`, `if` or `contains` with a maximum would refuse more. Property names are never null. */
function staysAsGiven(keyword: string, schema: Json): boolean {
  return ['not', 'if', 'propertyNames'].includes(keyword) || (keyword === 'contains' && 'maxContains' in schema)
}
