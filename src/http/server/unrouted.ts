import findMyWay from 'find-my-way'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendError } from '../replies.ts'

/** How paths are compared: what Fastify is given as its `routerOptions`. */
export interface PathRules {
  readonly ignoreTrailingSlash: boolean
  readonly ignoreDuplicateSlashes: boolean
  readonly maxParamLength: number
}

/** A path that has routes, as they were registered. */
interface KnownPath {
  readonly url: string
  readonly methods: string[]
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The path that was asked for by a method that it does not take. */
    refusedPath: string | undefined
  }
}

/**
 * Answers requests that no route takes: on a path that has routes with 405 and the methods that they take (RFC 9110,
 * 15.5.6), elsewhere with 404. A second router, the one that Fastify uses, knows each path once: a route for each method
 * that a path does not take would be 33 times as many, 3 MB.
 *
 * @param always the methods that every path takes, by other means than a route
 */
export function answerUnrouted(app: FastifyInstance, rules: PathRules, always: readonly string[] = []): void {
  const router = findMyWay(rules)
  const paths = new Map<string, KnownPath>()
  app.decorateRequest('refusedPath', undefined)
  app.addHook('onRoute', ({ url, method }) => {
    // That of CORS, for preflights of any path.
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

/** The path of a request as it was registered, for labels, of which there may only be so many. */
export function pathLabel(request: FastifyRequest): string {
  return request.routeOptions.url ?? request.refusedPath ?? 'unknown'
}
