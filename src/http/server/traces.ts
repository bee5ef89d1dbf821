import type { FastifyInstance } from 'fastify'
import type { RequestTrace } from '../../model/report.ts'
import { TRACEPARENT } from '../../model/record.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined unless the request is traced. */
    trace: RequestTrace | undefined
  }
}

/** What is known of a request before its body is read. */
export interface TracedHead {
  readonly method: string
  readonly scheme: string
  /** The header as it was sent. */
  readonly traceparent: unknown
}

/** Begins the trace of a request; returns undefined if the request is not sampled. */
export type BeginTrace = (head: TracedHead) => RequestTrace | undefined

/** As nginx calls a request whose client closed the connection before the answer. */
const CLIENT_CLOSED = 499

/**
 * Gives each request its trace. Without `begin` no hook is added, so that a request costs nothing. Call this before anything
 * that may answer a request by itself.
 */
export function traceRequests(app: FastifyInstance, begin: BeginTrace | undefined): void {
  app.decorateRequest('trace', undefined)
  if (begin === undefined) return
  app.addHook('onRequest', (request, reply, done) => {
    const { method, clientProtocol, raw } = request
    const trace = begin({ method, scheme: clientProtocol, traceparent: raw.headers[TRACEPARENT] })
    request.trace = trace
    // A client that gave up gets no answer, and Fastify calls no hook for it.
    if (trace !== undefined) {
      reply.raw.once('close', () => trace.end({ status: CLIENT_CLOSED, route: request.routeOptions.url }))
    }
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    request.trace?.end({ status: reply.statusCode, route: request.routeOptions.url })
    done()
  })
}
