import cors from '@fastify/cors'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Source } from '../../model/source.ts'

/** How long a browser caches the answer of a preflight. */
const MAX_AGE_SECONDS = 86_400
/** SDKs in pages read when to retry. */
const EXPOSED_HEADER = 'Retry-After'

export interface CorsOptions {
  /** CORS_ORIGINS. */
  readonly origins: '*' | readonly string[]
  /** The sources in force; the same array until one of them changes. */
  readonly sources: () => readonly Source[]
}

/** The headers that decide whether a page may read an answer. */
export type OriginHeaders = Readonly<
  Partial<Record<'access-control-allow-origin' | 'access-control-allow-credentials', string>>
>

/**
 * Returns the headers of an answer to a page of this origin; undefined for a request without Origin. All origins without
 * credentials get the same object.
 */
export type OriginRule = (origin: string | undefined) => OriginHeaders

const ANY: OriginHeaders = { 'access-control-allow-origin': '*' }
const NONE: OriginHeaders = {}

/**
 * Creates the rule of CORS_ORIGINS and the sources' allowedOrigins. A page whose origin is in either list may send with
 * credentials, as sendBeacon with JSON always does. For these requests browsers require the exact origin instead of `*`
 * (Fetch standard, "CORS protocol and credentials"). All other pages get the value of CORS_ORIGINS, without credentials.
 */
export function createOriginRule({ origins, sources }: CorsOptions): OriginRule {
  let known: readonly Source[] | undefined
  let named: ReadonlySet<string> = new Set()
  const others = origins === '*' ? ANY : NONE

  return origin => {
    if (origin === undefined) return others
    const current = sources()
    if (current !== known) {
      known = current
      named = new Set([
        ...(origins === '*' ? [] : origins),
        ...current.flatMap(({ allowedOrigins = [] }) => allowedOrigins)
      ])
    }
    if (!named.has(origin.toLowerCase())) return others
    return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' }
  }
}

/**
 * Adds the CORS headers to every answer. Preflights are answered by the plugin, in a scope of its own, because its hook
 * would otherwise resolve its options for every event.
 */
export async function allowOrigins(app: FastifyInstance, rule: OriginRule): Promise<void> {
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.method !== 'OPTIONS') addOriginHeaders(reply, rule(request.headers.origin))
    done()
  })
  await app.register(async preflights => {
    // This hook runs before the plugin, which allows credentials for all origins or for none.
    preflights.addHook('onRequest', (request, reply, done) => {
      const allowed = rule(request.headers.origin)['access-control-allow-credentials']
      if (allowed !== undefined) reply.header('access-control-allow-credentials', allowed)
      done()
    })
    await preflights.register(cors, {
      // For an empty list the plugin writes no Access-Control-Allow-Origin.
      origin: (origin, done) => done(null, rule(origin)['access-control-allow-origin'] ?? []),
      methods: ['GET', 'POST', 'OPTIONS'],
      exposedHeaders: [EXPOSED_HEADER],
      maxAge: MAX_AGE_SECONDS,
      strictPreflight: false
    })
  })
}

function addOriginHeaders(reply: FastifyReply, allowed: OriginHeaders): void {
  const others = reply.getHeader('vary')
  reply.headers({ ...originHeaders(allowed), ...(others === undefined ? {} : { vary: `Origin, ${String(others)}` }) })
}

/** All CORS headers of an answer that is no preflight. The names are in lower case. */
export function originHeaders(allowed: OriginHeaders): Readonly<Record<string, string>> {
  return { vary: 'Origin', ...allowed, 'access-control-expose-headers': EXPOSED_HEADER }
}
