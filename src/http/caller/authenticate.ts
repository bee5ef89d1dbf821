import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS } from '../../model/errors.ts'
import type { KeyStore, Source } from '../../model/source.ts'
import type { SentKey } from './credentials.ts'
import { isSameSecret } from './credentials.ts'
import { sendError } from '../replies.ts'
import { senderOf } from './sender.ts'

export interface AuthenticatorOptions {
  readonly keys: KeyStore
  /** Whether a key that is unknown here may be known elsewhere: then it is no guess, and is to be sent again. */
  readonly isBehind?: () => boolean
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
}

/** Who sends a request, or why it is refused. */
export type Authenticated = { readonly ok: true; readonly source: Source; readonly writeKey: string } | Refused

export interface Refused {
  readonly ok: false
  readonly code: ErrorCode
  /** Default: that of the code. */
  readonly message?: string
  /** Whose key it is, where it is known. */
  readonly source?: Source
}

export interface Authenticator {
  /**
   * What the first key says that some source has, of those that a request says to have; undefined where nobody has any
   * of them. Nothing is counted: more keys may be found in the body.
   */
  known(sent: readonly SentKey[], request: FastifyRequest): Authenticated | undefined
  /** The same for all keys of a request: where nobody has any of them, they are counted, and the first is named. */
  authenticate(sent: readonly SentKey[], request: FastifyRequest): Authenticated
}

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
 * Finds the source of a key and says whether it may send from where it does. Only unknown keys of requests that have no
 * other are counted against an address: many customers may share one behind a proxy, a stranger's guesses must not lock
 * them out, and the user name of a site's own login is no guess.
 */
export function createAuthenticator({ keys, isBehind, monotonic }: AuthenticatorOptions): Authenticator {
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

  function known(sent: readonly SentKey[], request: FastifyRequest): Authenticated | undefined {
    for (const { key } of sent) {
      const source = find(key, request.raw.socket)
      if (source !== undefined) return admit(source, key, request)
    }
    return undefined
  }

  /** Each key is a guess, however many of them one request holds. */
  function refuseUnknown(sent: readonly SentKey[], address: string): Refused {
    const [first] = sent
    if (first === undefined) return { ok: false, code: 'write_key_missing' }
    if (isBehind?.() === true) return { ok: false, code: 'configuration_behind' }
    if (monotonic() - windowStart > UNKNOWN_KEYS_WINDOW_MS) {
      unknown = new Map()
      windowStart = monotonic()
    }
    const before = unknown.get(address) ?? 0
    const count = before + sent.length
    if (before > 0 || unknown.size < MAX_ADDRESSES) unknown.set(address, count)
    if (count > MAX_UNKNOWN_KEYS) return { ok: false, code: 'too_many_unknown_keys' }
    return { ok: false, code: 'write_key_unknown', message: `${ERRORS.write_key_unknown.message} (${first.place})` }
  }

  return {
    known,
    authenticate: (sent, request) => known(sent, request) ?? refuseUnknown(sent, senderOf(request))
  }
}

function admit(source: Source, writeKey: string, { headers }: FastifyRequest): Authenticated {
  if (!source.enabled) return { ok: false, code: 'source_disabled', source }
  const { origin } = headers
  if (
    source.allowedOrigins !== undefined &&
    origin !== undefined &&
    !source.allowedOrigins.includes(origin.toLowerCase())
  ) {
    return { ok: false, code: 'origin_not_allowed', source }
  }
  return { ok: true, source, writeKey }
}

/** Refuses a request for its key; a client that sent none is told how (RFC 9110, 11.6.1). */
export function refuseKey(reply: FastifyReply, code: ErrorCode, message?: string): FastifyReply {
  if (code === 'write_key_missing') reply.header('www-authenticate', 'Basic realm="tributary", charset="UTF-8"')
  return sendError(reply, code, message)
}
