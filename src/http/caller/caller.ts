import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ERRORS } from '../../model/errors.ts'
import type { Authenticated, Authenticator, Refused } from './authenticate.ts'
import type { SentKey } from './credentials.ts'
import { bodyKeys, headKeys, isKeyRepeated, queryKeys } from './credentials.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The keys in the head of a request, and the source of one of them; set by checkHead(). */
    headKeys: readonly SentKey[]
    caller: Extract<Authenticated, { ok: true }> | undefined
  }
}

/** Call this once for a Fastify instance before its requests go to checkHead(). */
export function decorateCaller(app: FastifyInstance): void {
  app.decorateRequest('headKeys')
  app.decorateRequest('caller', undefined)
}

/**
 * Checks the keys in the head of a request. Refuses the request if a key belongs to a source that may not send. Unknown
 * keys are not refused yet: a valid key may be in the body, as for a site with a login of its own.
 */
export function checkHead(request: FastifyRequest, authenticator: Authenticator): Refused | undefined {
  const { headers, socket } = request.raw
  request.headKeys = headKeys(socket, headers)
  const known = authenticator.known(request.headKeys, request)
  if (known?.ok === false) return known
  request.caller = known
  return undefined
}

/** Where a request may have a key, besides its head. */
export interface OtherKeys {
  /** The body's top-level writeKey. */
  readonly inBody?: string | undefined
  /** The parameters of the query; default: as Fastify reads them. */
  readonly query?: unknown
}

/** The source of a request whose keys are all known: the first key that a source has counts. */
export function findCaller(
  request: FastifyRequest,
  authenticator: Authenticator,
  { inBody, query = request.query }: OtherKeys = {}
): Authenticated {
  if (request.caller !== undefined) return request.caller
  const sent = [...request.headKeys, ...bodyKeys(inBody), ...queryKeys(query)]
  if (!isKeyRepeated(query)) return authenticator.authenticate(sent, request)
  if (sent.length === 0) return { ok: false, code: 'write_key_repeated' }
  const found = authenticator.authenticate(sent, request)
  if (found.ok || found.code !== 'write_key_unknown') return found
  // The client may have meant any of the keys, so the message names both faults.
  return { ...found, code: 'write_key_repeated', message: `${found.message}, and ${ERRORS.write_key_repeated.message}` }
}

/** The sender that the head or the query names, if that source may send; undefined otherwise. Nothing is counted. */
export function callerOfHeadOrQuery(request: FastifyRequest, authenticator: Authenticator): FastifyRequest['caller'] {
  if (request.caller !== undefined) return request.caller
  const known = authenticator.known(queryKeys(request.query), request)
  return known?.ok === true ? known : undefined
}

/** Whether the head or the query of a request has a key. */
export function hasKeyInHeadOrQuery({ headKeys: inHead, query }: FastifyRequest): boolean {
  return inHead.length > 0 || queryKeys(query).length > 0
}
