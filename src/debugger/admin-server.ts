import helmet from '@fastify/helmet'
import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fail } from './query.ts'

export interface AdminServerOptions {
  readonly logger: FastifyBaseLogger
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
}

/** How paths are compared. A parameter may be as long as a URL: its own route says what is wrong with it. */
export const ADMIN_PATH_RULES = { ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, maxParamLength: 16 * 1024 }

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
    // compose.ts has it asked for: Node would answer without a body.
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
    https: tls === undefined ? null : { ...http, ...tls, handshakeTimeout: REQUEST_TIMEOUT_MS },
    routerOptions: ADMIN_PATH_RULES,
    frameworkErrors: answerError
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    strictTransportSecurity: tls !== undefined,
    referrerPolicy: { policy: 'no-referrer' }
  })
  app.setErrorHandler(answerError)
  return app
}

/** A bug of ours, or what Fastify refuses itself: a URL that cannot be read, a body that is not JSON. */
function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500
  reply.code(status)
  if (error.code === 'FST_ERR_BAD_URL') reply.send(fail('bad_request', 'the URL is not valid'))
  else if (status < 500) reply.send(fail('bad_request', error.message))
  else {
    request.log.error({ err: error }, 'a request to the admin listener failed')
    reply.send(fail('internal_error', 'the server failed'))
  }
}
