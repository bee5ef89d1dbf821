import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'

/** A write key of a request and its place in the request. Messages name the place, because the key is never shown. */
export interface SentKey {
  readonly key: string
  readonly place: string
}

const BASIC = /^[ \t]*basic[ \t]+([\w.~+/-]+=*)[ \t]*$/i
/** A write key that is no token68 (RFC 9110) is accepted too, because clients do not encode it. */
const BEARER = /^[ \t]*bearer[ \t]+([!-~]+)[ \t]*$/i

const NO_KEYS: readonly SentKey[] = []

/**
 * The write key of a Basic Authorization header: the user name. Undefined if the header has another scheme; an empty
 * string if it is Basic but malformed, because no source has that key. `key:` and `key` both work (Segment's HTTP API:
 * "without the trailing colon still works"). @fastify/basic-auth requires the colon and answers 401 itself, so it is not
 * used here.
 */
function basicKey(header: string): string | undefined {
  if (!/^[ \t]*basic\b/i.test(header)) return undefined
  const match = BASIC.exec(header)
  if (match === null) return ''
  return userName(Buffer.from(match[1] as string, 'base64').toString('utf8'))
}

/** The text before the first colon. */
function userName(credentials: string): string {
  const colon = credentials.indexOf(':')
  return colon < 0 ? credentials : credentials.slice(0, colon)
}

function readAuthorization(header: string): readonly SentKey[] {
  const basic = basicKey(header)
  if (basic !== undefined) return [{ key: basic, place: 'the user name of Basic' }]
  const bearer = BEARER.exec(header)?.[1]
  return bearer === undefined ? NO_KEYS : [{ key: bearer, place: 'the Bearer token' }]
}

/** A longer header contains no write key, and must not stay in memory as long as the connection. */
const MAX_REMEMBERED_CHARS = 512

const lastHeaders = new WeakMap<Socket, { readonly header: string; readonly keys: readonly SentKey[] }>()

/** A header is decoded once for all requests of a connection that repeat it. */
function authorizationKeys(socket: Socket, header: string): readonly SentKey[] {
  const last = lastHeaders.get(socket)
  if (last !== undefined && isSameSecret(last.header, header)) return last.keys
  const keys = readAuthorization(header)
  if (header.length <= MAX_REMEMBERED_CHARS) lastHeaders.set(socket, { header, keys })
  return keys
}

/**
 * The keys in the head of a request, in the order in which they are tried: first Authorization, then `X-Write-Key`. A
 * Bearer token may be a key (Customer.io's SDK for Python) or an OAuth token. Jitsu's SDKs send `X-Write-Key` as `key` or
 * `key:secret`.
 */
export function headKeys(socket: Socket, headers: IncomingHttpHeaders): readonly SentKey[] {
  const { authorization, 'x-write-key': writeKey } = headers
  const keys = authorization === undefined ? NO_KEYS : authorizationKeys(socket, authorization)
  if (typeof writeKey !== 'string' || writeKey === '') return keys
  return [...keys, { key: userName(writeKey), place: 'X-Write-Key' }]
}

/** The key of a body's top-level `writeKey`; an empty string is no key. */
export function bodyKeys(writeKey: string | undefined): readonly SentKey[] {
  return writeKey === undefined || writeKey === '' ? NO_KEYS : [{ key: writeKey, place: 'writeKey in the body' }]
}

/** The key of `?writeKey=`; an empty string is no key, and if there are several, none counts. */
export function queryKeys(query: unknown): readonly SentKey[] {
  const key = writeKeyOf(query)
  return typeof key !== 'string' || key === '' ? NO_KEYS : [{ key, place: 'writeKey in the query' }]
}

/** Whether the query has `writeKey` more than once: it is then unknown which one is meant. */
export function isKeyRepeated(query: unknown): boolean {
  return Array.isArray(writeKeyOf(query))
}

function writeKeyOf(query: unknown): unknown {
  return (query as Record<string, unknown> | undefined)?.['writeKey']
}

/** Compares in a time that depends on the length only, because strangers behind a proxy share a connection. */
export function isSameSecret(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}
