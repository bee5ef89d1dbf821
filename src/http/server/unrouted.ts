import findMyWay from 'find-my-way'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendError } from '../replies.ts'

/** How paths are compared; Fastify gets the same values as `routerOptions`. */
export interface PathRules {
  readonly ignoreTrailingSlash: boolean
  readonly ignoreDuplicateSlashes: boolean
  readonly maxParamLength: number
}

/** A path that has routes, in its registered form. */
interface KnownPath {
  readonly url: string
  readonly methods: string[]
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The registered path of a request whose method the path does not accept. */
    refusedPath: string | undefined
  }
}

/**
 * Answers requests without a matching route: 405 with the accepted methods if the path has routes (RFC 9110, 15.5.6),
 * otherwise 404. A second router of the kind that Fastify uses holds each path once. Routes in Fastify for all methods that
 * a path does not accept would be 33 times as many and take 3 MB.
 *
 * @param always the methods that every path accepts without a route
 */
export function answerUnrouted(app: FastifyInstance, rules: PathRules, always: readonly string[] = []): void {
  const router = findMyWay(rules)
  const paths = new Map<string, KnownPath>()
  app.decorateRequest('refusedPath', undefined)
  app.addHook('onRoute', ({ url, method }) => {
    // The route of CORS, for preflights on any path.
    if (url === '*') return
    const known = paths.get(url) ?? { url, methods: [] }
    if (known.methods.length === 0) router.on('GET', url, () => undefined, known)
    known.methods.push(...[method].flat())
    paths.set(url, known)
  })
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const known = router.find('GET', request.raw.url ?? '')?.store as KnownPath | undefined
    if (known === undefined) return sendError(reply, 'not_found')
    request.refusedPath = known.url
    return sendError(reply.header('allow', [...known.methods, ...always].join(', ')), 'method_not_allowed')
  })
}

/** The registered path of a request, as a label of metrics with a bounded number of values. */
export function pathLabel(request: FastifyRequest): string {
  return request.routeOptions.url ?? request.refusedPath ?? 'unknown'
}
