import helmet from '@fastify/helmet'
import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyError, FastifyInstance } from 'fastify'

export interface AdminServerOptions {
  readonly logger: FastifyBaseLogger
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
}

/** Nothing but the page's own files, no inline script or style, and no string that becomes HTML. */
const CONTENT_SECURITY_POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'"],
  'connect-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'frame-ancestors': ["'none'"],
  'require-trusted-types-for': ["'script'"]
}

/** For the head of a request, and for all of it. */
const REQUEST_TIMEOUT_MS = 10_000
/** Node looks at them every 30 s unless it is told otherwise. */
const CHECK_MS = 2_000

/** The second listener: what operators look at. It takes no events and no large bodies. */
export async function createAdminServer({ logger, tls }: AdminServerOptions): Promise<FastifyInstance> {
  const http = {
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_MS,
    insecureHTTPParser: false,
    // app.ts has it asked for: Node would answer without a body.
    requireHostHeader: false
  }
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    bodyLimit: 64 * 1024,
    forceCloseConnections: 'idle',
    // Fastify hands these to Node one or the other: with TLS it passes `http` over.
    http,
    https: tls === undefined ? null : { ...http, ...tls, handshakeTimeout: REQUEST_TIMEOUT_MS }
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    strictTransportSecurity: tls !== undefined,
    referrerPolicy: { policy: 'no-referrer' }
  })
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ success: false, message: 'there is no such path', code: 'not_found' })
  )
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    if (status < 500) return reply.code(status).send({ success: false, message: error.message, code: 'bad_request' })
    request.log.error({ err: error }, 'a request to the admin listener failed')
    return reply.code(500).send({ success: false, message: 'the server failed', code: 'internal_error' })
  })
  return app
}
