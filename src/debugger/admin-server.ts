import helmet from '@fastify/helmet'
import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errorAnswer } from './query.ts'

export interface AdminServerOptions {
  readonly logger: FastifyBaseLogger
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
}

/** How paths are matched. A parameter may be as long as a URL, so that its route can answer what is wrong with it. */
export const ADMIN_PATH_RULES = { ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, maxParamLength: 16 * 1024 }

/** Allows only the page's own files: no inline script or style, and no string that becomes HTML. */
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

/** The limit for the head of a request, and for the whole request. */
const REQUEST_TIMEOUT_MS = 10_000
/** How often Node checks these limits. Its default is 30 s. */
const CHECK_MS = 2_000
/**
 * How long a stop waits for answers and for the last events of streams. Then every connection is closed: for Node, one on which no
 * request came yet (a browser opens them in advance) is not idle, and would hold up the stop for good.
 */
const LAST_ANSWERS_MS = 2_000

/** Creates the admin listener, which serves operators. It accepts no events and no large bodies. */
export async function createAdminServer({ logger, tls }: AdminServerOptions): Promise<FastifyInstance> {
  const http = {
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_MS,
    insecureHTTPParser: false,
    // prepareListener() checks the Host header; Node would answer without a body.
    requireHostHeader: false
  }
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    bodyLimit: 64 * 1024,
    forceCloseConnections: 'idle',
    // With TLS, Fastify ignores `http` and passes only `https` to Node.
    http,
    https: tls === undefined ? null : { ...http, ...tls, handshakeTimeout: REQUEST_TIMEOUT_MS },
    routerOptions: ADMIN_PATH_RULES,
    // No route has a schema. Without these, Fastify would load Ajv and more at each start.
    schemaController: { compilersFactory: { buildValidator: neverAsked, buildSerializer: neverAsked } },
    frameworkErrors: answerError
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    strictTransportSecurity: tls !== undefined,
    referrerPolicy: { policy: 'no-referrer' }
  })
  app.setErrorHandler(answerError)
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), LAST_ANSWERS_MS).unref()
  })
  return app
}

/** Answers a bug of ours, or a request that Fastify refuses itself: an invalid URL, or a body that is not JSON. */
function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500
  reply.code(status)
  if (error.code === 'FST_ERR_BAD_URL') reply.send(errorAnswer('bad_request', 'the URL is not valid'))
  else if (status < 500) reply.send(errorAnswer('bad_request', error.message))
  else {
    request.log.error({ err: error }, 'a request to the admin listener failed')
    reply.send(errorAnswer('internal_error', 'the server failed'))
  }
}

function neverAsked(): never {
  throw new Error('no route of this server has a schema')
}
