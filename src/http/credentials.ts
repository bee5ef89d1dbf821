import type { Socket } from 'node:net'

const BASIC = /^[ \t]*basic[ \t]+([\w.~+/-]+=*)[ \t]*$/i

/**
 * The write key of a Basic Authorization header: the user name, with an empty password. `key:` and `key` both work
 * (Segment's HTTP API: "without the trailing colon still works"), which is why @fastify/basic-auth, which wants the
 * colon and answers 401 itself, is not used here. Undefined where the header is missing or of another scheme: OAuth's
 * Bearer comes with the key in the body. An empty string where it is Basic and broken: no source has that key.
 */
export function basicKey(header: string | undefined): string | undefined {
  if (header === undefined || !/^[ \t]*basic\b/i.test(header)) return undefined
  const match = BASIC.exec(header)
  if (match === null) return ''
  const decoded = Buffer.from(match[1] as string, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  return colon < 0 ? decoded : decoded.slice(0, colon)
}

/** A longer header holds no key of ours, and is not worth keeping for as long as its connection stays open. */
const MAX_REMEMBERED_CHARS = 512

const lastHeaders = new WeakMap<Socket, { readonly header: string; readonly key: string | undefined }>()

/** As `basicKey`, but decoded once for all requests of a connection that say the same. */
export function basicKeyOf(socket: Socket, header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const last = lastHeaders.get(socket)
  if (last !== undefined && isSameSecret(last.header, header)) return last.key
  const key = basicKey(header)
  if (header.length <= MAX_REMEMBERED_CHARS) lastHeaders.set(socket, { header, key })
  return key
}

/** Compares in a time that tells nothing but whether the lengths agree: behind a proxy, strangers share a connection. */
export function isSameSecret(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}
