import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { parseKept } from './kept.ts'

export type Json = Record<string, unknown>

/** A JSON Schema: true, false or an object of keywords. */
export type Schema = boolean | Json

/** The parsed openapi.yml. Only `paths` and `components.schemas` are known to be objects. */
export interface ContractDocument extends Json {
  readonly paths: Json
  readonly components: Json & { readonly schemas: Record<string, Schema> }
}

/**
 * Reads and parses the contract. Throws an error that names the file if the file cannot be read or parsed, or has no
 * paths or schemas.
 *
 * @param keepIn a folder for the parsed document, which makes the next start faster
 */
export function loadContract(path: string, keepIn?: string): ContractDocument {
  let document: unknown
  try {
    const text = readFileSync(path, 'utf8')
    document = keepIn === undefined ? parse(text) : parseKept(text, keepIn)
  } catch (cause) {
    throw new Error(`cannot read the contract ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause
    })
  }
  if (!isContract(document)) throw new Error(`the contract ${path} has no paths or no components.schemas`)
  return document
}

function isContract(document: unknown): document is ContractDocument {
  return (
    isObject(document) &&
    isObject(document['paths']) &&
    isObject(document['components']) &&
    isObject(document['components']['schemas'])
  )
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface ResolvedNode {
  /** The reference of the node after all references were followed: `#/components/schemas/TrackCall`. */
  readonly ref: string
  readonly node: Json
}

/**
 * The object at a path of keys from the document's root. Follows every `$ref` on the path and at its end.
 * Throws if there is no such object, or if a reference leaves the document or is circular.
 */
export function resolvePath(document: ContractDocument, keys: readonly string[]): ResolvedNode {
  return resolveRefs(document, resolvePathKeepingRef(document, keys))
}

/** As locate, but a `$ref` at the end of the path is not followed, so that the keywords beside the reference are kept. */
export function resolvePathKeepingRef(document: ContractDocument, keys: readonly string[]): ResolvedNode {
  let found: ResolvedNode = { ref: '#', node: document }
  for (const key of keys) {
    const { ref, node } = resolveRefs(document, found)
    const next = Object.hasOwn(node, key) ? node[key] : undefined
    if (!isObject(next)) throw new Error(`the contract has no object at ${ref}/${escapeKey(key)}`)
    found = { ref: `${ref}/${escapeKey(key)}`, node: next }
  }
  resolveRefs(document, found)
  return found
}

/** The object that a reference of the document names; the object may be a reference itself. Throws if there is none. */
export function resolveRef(document: ContractDocument, ref: string): Json {
  if (!ref.startsWith('#/'))
    throw new Error(`the contract refers to ${ref}: only references inside the document are followed`)
  let node: unknown = document
  for (const part of ref.slice(2).split('/')) {
    const key = unescapeKey(part)
    node = typeof node === 'object' && node !== null && Object.hasOwn(node, key) ? (node as Json)[key] : undefined
  }
  if (!isObject(node)) throw new Error(`the contract refers to ${ref}, which is not there`)
  return node
}

const MAX_REFS = 20

function resolveRefs(document: ContractDocument, start: ResolvedNode): ResolvedNode {
  let found = start
  for (let refs = 0; typeof found.node['$ref'] === 'string'; refs++) {
    const ref = found.node['$ref']
    if (refs === MAX_REFS) throw new Error(`the contract's references from ${start.ref} run in a circle`)
    found = { ref, node: resolveRef(document, ref) }
  }
  return found
}

/** A key as a part of a JSON pointer (RFC 6901). */
export function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** References are URIs, so the part after the `#` may also be percent-encoded. */
function unescapeKey(part: string): string {
  return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
}
