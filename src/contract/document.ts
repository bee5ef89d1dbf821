import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { parseKept } from './kept.ts'

export type Json = Record<string, unknown>

/** A JSON Schema: true, false or an object of keywords. */
export type Schema = boolean | Json

/** The parsed openapi.yml: `paths` and `components.schemas` are objects, the rest is not looked at. */
export interface ContractDocument extends Json {
  readonly paths: Json
  readonly components: Json & { readonly schemas: Record<string, Schema> }
}

/**
 * Reads and parses the contract. Throws, naming the file, where it cannot be read, parsed or has no schemas.
 *
 * @param keepIn a folder to keep what parsing made of it, for the next start
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

export interface Located {
  /** Where the node stands after its references were followed: `#/components/schemas/TrackCall`. */
  readonly ref: string
  readonly node: Json
}

/**
 * The object at a path of keys from the document's root, following every `$ref` on the way and at the end.
 * Throws where there is none, or where a reference leaves the document or runs in a circle.
 */
export function locate(document: ContractDocument, keys: readonly string[]): Located {
  return settle(document, locateUnfollowed(document, keys))
}

/** The same, but an object at the end that is a `$ref` is left as it is, with what may stand beside the reference. */
export function locateUnfollowed(document: ContractDocument, keys: readonly string[]): Located {
  let found: Located = { ref: '#', node: document }
  for (const key of keys) {
    const { ref, node } = settle(document, found)
    const next = Object.hasOwn(node, key) ? node[key] : undefined
    if (!isObject(next)) throw new Error(`the contract has no object at ${ref}/${escapeKey(key)}`)
    found = { ref: `${ref}/${escapeKey(key)}`, node: next }
  }
  settle(document, found)
  return found
}

/** The object that a reference of the document names, which may be a reference itself. Throws where there is none. */
export function follow(document: ContractDocument, ref: string): Json {
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

function settle(document: ContractDocument, start: Located): Located {
  let found = start
  for (let refs = 0; typeof found.node['$ref'] === 'string'; refs++) {
    const ref = found.node['$ref']
    if (refs === MAX_REFS) throw new Error(`the contract's references from ${start.ref} run in a circle`)
    found = { ref, node: follow(document, ref) }
  }
  return found
}

/** A key as a part of a JSON pointer (RFC 6901). */
export function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** References are URIs: what stands after the `#` may be percent-encoded too. */
function unescapeKey(part: string): string {
  return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
}
