import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../../model/errors.ts'
import { CHALLENGES, ERRORS } from '../../model/errors.ts'
import type { KeyStore, Source } from '../../model/source.ts'
import type { SentKey } from './credentials.ts'
import { isSameSecret } from './credentials.ts'
import { createFailureLimit } from './failure-limit.ts'
import type { RefusalDetail } from './refusal.ts'
import { sendError } from '../replies.ts'
import { senderOf } from './sender.ts'

export interface AuthenticatorOptions {
  readonly keys: KeyStore
  /** Whether this server's configuration is behind: an unknown key is then no guess, and the client is told to retry. */
  readonly isBehind?: () => boolean
  /** The code with which a source refuses a request for its token, or for lack of one; default: no source refuses. */
  readonly tokenRefusal?: (request: FastifyRequest, caller: TokenUse) => ErrorCode | undefined
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
}

/** The source and the write key of a request that may have a token. */
export interface TokenUse {
  readonly source: Source
  readonly writeKey: string
}

/** The source of a request, or why the request is refused. */
export type Authenticated = { readonly ok: true; readonly source: Source; readonly writeKey: string } | Refused

export interface Refused extends RefusalDetail {
  readonly ok: false
  readonly code: ErrorCode
}

export interface Authenticator {
  /**
   * The result for the first of these keys that a source has; undefined if no source has any of them. Unknown keys are not
   * counted, because the body may have more keys.
   */
  known(sent: readonly SentKey[], request: FastifyRequest): Authenticated | undefined
  /** As known(), for all keys of a request. If no source has any of them, they are counted, and the message names the first. */
  authenticate(sent: readonly SentKey[], request: FastifyRequest): Authenticated
}

/** The last key of a connection, its source, and the list of sources in which it was found. */
interface KnownKey {
  readonly key: string
  readonly source: Source
  readonly file: readonly Source[]
}

/**
 * Finds the source of a key and checks whether the source is enabled and allows the request's Origin. Unknown keys are
 * counted against an address only if the request has no known key: customers behind one proxy share an address, so that
 * a stranger's guesses must not lock them out, and the user name of a site's own login is no guess.
 */
export function createAuthenticator({ keys, isBehind, tokenRefusal, monotonic }: AuthenticatorOptions): Authenticator {
  const guesses = createFailureLimit(monotonic)
  const lastKeys = new WeakMap<Socket, KnownKey>()

  /** SDKs send many requests with one key over one connection: the key is looked up again only after the sources changed. */
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
      if (source === undefined) continue
      const admitted = admit(source, key, request)
      const code = admitted.ok ? tokenRefusal?.(request, admitted) : undefined
      return code === undefined ? admitted : { ok: false, code, source }
    }
    return undefined
  }

  /** Each key counts as one guess, also if a request has several. */
  function refuseUnknown(sent: readonly SentKey[], address: string): Refused {
    const [first] = sent
    if (first === undefined) return { ok: false, code: 'write_key_missing' }
    const { key, place } = first
    if (isBehind?.() === true) return { ok: false, code: 'configuration_behind', key }
    if (guesses.failed(address, sent.length)) return { ok: false, code: 'too_many_unknown_keys', key }
    return { ok: false, code: 'write_key_unknown', message: `${ERRORS.write_key_unknown.message} (${place})`, key }
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

/**
 * The source of a key for routes that serve documents; undefined if the key is refused. Neither the Origin nor a token is
 * checked there: the documents reveal nothing beyond the key.
 */
export function sourceForDocument(known: Authenticated): Source | undefined {
  if (known.ok) return known.source
  return known.code === 'origin_not_allowed' || known.code.startsWith('token_') ? known.source : undefined
}

/** Answers a request that is refused for its key or its token, with WWW-Authenticate where the code has a challenge. */
export function refuseKey(reply: FastifyReply, code: ErrorCode, message?: string): FastifyReply {
  const challenge = CHALLENGES[code]
  if (challenge !== undefined) reply.header('www-authenticate', challenge)
  return sendError(reply, code, message)
}
