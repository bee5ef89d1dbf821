import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Authenticated, Authenticator, Refused } from './authenticate.ts'
import type { SentKey } from './credentials.ts'
import { bodyKeys, headKeys, isKeyRepeated, queryKeys } from './credentials.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The keys in the head of a request, and the source that one of them is of; set by checkHead(). */
    headKeys: readonly SentKey[]
    caller: Extract<Authenticated, { ok: true }> | undefined
  }
}

/** To be called once for an instance whose requests checkHead() is to see. */
export function knowCallers(app: FastifyInstance): void {
  app.decorateRequest('headKeys')
  app.decorateRequest('caller', undefined)
}

/**
 * Looks at the keys in the head of a request. Refused where one of them is of a source that may not send; from keys that
 * nobody has, nothing follows yet: a good one may be in the body, as behind a site's own login.
 */
export function checkHead(request: FastifyRequest, authenticator: Authenticator): Refused | undefined {
  const { headers, socket } = request.raw
  request.headKeys = headKeys(socket, headers)
  const known = authenticator.known(request.headKeys, request)
  if (known?.ok === false) return known
  request.caller = known
  return undefined
}

/** Where else than in its head a request may say to have a key. */
export interface OtherKeys {
  /** The body's top-level writeKey. */
  readonly inBody?: string | undefined
  /** The parameters of the query; default: as Fastify reads them. */
  readonly query?: unknown
}

/** Who sends a request of which all keys are known now: the first that some source has counts. */
export function findCaller(
  request: FastifyRequest,
  authenticator: Authenticator,
  { inBody, query = request.query }: OtherKeys = {}
): Authenticated {
  if (request.caller !== undefined) return request.caller
  const sent = [...request.headKeys, ...bodyKeys(inBody), ...queryKeys(query)]
  if (sent.length === 0 && isKeyRepeated(query)) return { ok: false, code: 'write_key_repeated' }
  return authenticator.authenticate(sent, request)
}

/** Whether a request says to have a key, its body aside. */
export function hasOuterKey({ headKeys: inHead, query }: FastifyRequest): boolean {
  return inHead.length > 0 || queryKeys(query).length > 0
}
