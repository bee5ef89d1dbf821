import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../model/errors.ts'
import type { KeyStore, Source } from '../model/source.ts'
import { isSameSecret } from './credentials.ts'
import { sendError } from './replies.ts'
import { senderOf } from './sender.ts'

export interface AuthenticatorOptions {
  readonly keys: KeyStore
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
}

export type Authenticated =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly code: ErrorCode }

/** The last key of a connection, whose it was, and the list of sources that said so. */
interface KnownKey {
  readonly key: string
  readonly source: Source
  readonly file: readonly Source[]
}

/** Unknown keys from one address in a minute, after which it is told to slow down. */
const MAX_UNKNOWN_KEYS = 1_000
const UNKNOWN_KEYS_WINDOW_MS = 60_000
/** Addresses remembered within one window; a flood of new ones beyond that is not told apart. */
const MAX_ADDRESSES = 10_000

/**
 * Finds the source of a key and says whether it may send from where it does. Only unknown keys are counted against an
 * address: many customers may share one behind a proxy, and a stranger's guesses must not lock them out.
 */
export function createAuthenticator({ keys, monotonic }: AuthenticatorOptions) {
  let unknown = new Map<string, number>()
  let windowStart = monotonic()
  const lastKeys = new WeakMap<Socket, KnownKey>()

  /** SDKs send many requests with one key over one connection: it is looked up once for as long as the file stands. */
  function find(key: string, socket: Socket): Source | undefined {
    const file = keys.sources()
    const last = lastKeys.get(socket)
    if (last?.file === file && isSameSecret(last.key, key)) return last.source
    const source = keys.find(key)
    if (source !== undefined) lastKeys.set(socket, { key, source, file })
    return source
  }

  function countUnknown(address: string): ErrorCode {
    if (monotonic() - windowStart > UNKNOWN_KEYS_WINDOW_MS) {
      unknown = new Map()
      windowStart = monotonic()
    }
    const count = (unknown.get(address) ?? 0) + 1
    if (count > 1 || unknown.size < MAX_ADDRESSES) unknown.set(address, count)
    return count > MAX_UNKNOWN_KEYS ? 'too_many_unknown_keys' : 'write_key_unknown'
  }

  return (key: string, request: FastifyRequest): Authenticated => {
    const source = find(key, request.raw.socket)
    if (source === undefined) return { ok: false, code: countUnknown(senderOf(request)) }
    if (!source.enabled) return { ok: false, code: 'source_disabled' }
    const { origin } = request.headers
    if (
      source.allowedOrigins !== undefined &&
      origin !== undefined &&
      !source.allowedOrigins.includes(origin.toLowerCase())
    ) {
      return { ok: false, code: 'origin_not_allowed' }
    }
    return { ok: true, source }
  }
}

export type Authenticate = ReturnType<typeof createAuthenticator>

/** Refuses a request for its key; a client that sent none is told how (RFC 9110, 11.6.1). */
export function refuseKey(reply: FastifyReply, code: ErrorCode): FastifyReply {
  if (code === 'write_key_missing') reply.header('www-authenticate', 'Basic realm="tributary", charset="UTF-8"')
  return sendError(reply, code)
}
