import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import type { Source } from '../../model/source.ts'

/** How long a browser caches the answer of a preflight. */
const MAX_AGE_SECONDS = 86_400

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

/** Returns the headers of an answer to a page of this origin; undefined for a request without Origin. */
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

/** Adds the CORS headers to every answer, preflights included. */
export async function allowOrigins(app: FastifyInstance, rule: OriginRule): Promise<void> {
  // This hook runs before the plugin, which answers preflights itself and allows credentials for all origins or for none.
  app.addHook('onRequest', (request, reply, done) => {
    const allowed = rule(request.headers.origin)['access-control-allow-credentials']
    if (allowed !== undefined) reply.header('access-control-allow-credentials', allowed)
    done()
  })
  await app.register(cors, {
    // For an empty list the plugin writes no Access-Control-Allow-Origin.
    origin: (origin, done) => done(null, rule(origin)['access-control-allow-origin'] ?? []),
    methods: ['GET', 'POST', 'OPTIONS'],
    exposedHeaders: ['Retry-After'],
    maxAge: MAX_AGE_SECONDS,
    strictPreflight: false
  })
}
