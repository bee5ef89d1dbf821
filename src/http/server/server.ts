import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TrustProxy } from '../caller/client.ts'
import type { ConnectionLimits } from './connections.ts'
import { limitConnections } from './connections.ts'
import type { CorsOptions, OriginRule } from './cors.ts'
import { allowOrigins, createOriginRule } from './cors.ts'
import { answerError, acceptAllMethods, refuseConnection } from './errors.ts'
import { discardRemainingBody } from './linger.ts'
import { prepareListener } from './listener.ts'
import { withoutDoubledVersion } from '../paths.ts'
import { sendError } from '../replies.ts'
import { cacheRemoteAddresses } from '../caller/sender.ts'
import { decorateSuccess } from './success.ts'
import { limitPipelining, isOverPipelineLimit } from './unanswered.ts'
import type { PathRules } from './unrouted.ts'
import { answerUnrouted } from './unrouted.ts'

export interface ServerOptions {
  readonly logger: FastifyBaseLogger
  readonly trustProxy: TrustProxy
  readonly cors: CorsOptions
  readonly connections: ConnectionLimits
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** Default: DEFAULT_TIMEOUTS. */
  readonly timeouts?: Timeouts
}

/** How long a client may take, in milliseconds. */
export interface Timeouts {
  /** For the head of a request. */
  readonly headers: number
  /** For a whole request. */
  readonly request: number
  /** Between two requests: KEEP_ALIVE_TIMEOUT. */
  readonly idle: number
  /** Without any traffic on the connection while a request is open. */
  readonly stalled: number
  /** How often Node checks `headers` and `request`; a connection is closed at most this much later. */
  readonly check: number
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  headers: 10_000,
  request: 25_000,
  idle: 125_000,
  stalled: 60_000,
  check: 2_000
}

const MAX_HEADER_BYTES = 32 * 1024
/** A pixel carries its event in the URL, so this limit is generous; a longer URL is a mistake. */
const MAX_URL_CHARS = 16 * 1024
const PATH_RULES: PathRules = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: MAX_URL_CHARS }

/** Creates the Fastify instance of the tracking API, with limits, errors in the contract's form, and CORS on every answer. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const originRule = createOriginRule(options.cors)
  const allowOrigin = options.cors.origins === '*' ? '*' : undefined
  const app = createFastify(options, originRule)
  const { trustProxy, timeouts = DEFAULT_TIMEOUTS } = options
  prepareListener(app, { trustProxy, idleMs: timeouts.idle, originRule })
  limitConnections(app.server, options.connections)
  cacheRemoteAddresses(app.server)
  limitPipelining(app.server, socket => refuseConnection(socket, 'overloaded', allowOrigin))
  acceptAllMethods(app)
  app.setErrorHandler(answerError)
  answerUnrouted(app, PATH_RULES, ['OPTIONS'])
  await allowOrigins(app, originRule)
  decorateSuccess(app, originRule)
  app.addHook('onRequest', checkLater)
  app.addHook('onSend', (request, _reply, _payload, done) => {
    discardRemainingBody(request.raw)
    done()
  })
  return app
}

function createFastify(options: ServerOptions, originRule: OriginRule): FastifyInstance {
  const timeouts = options.timeouts ?? DEFAULT_TIMEOUTS
  const http = {
    headersTimeout: timeouts.headers,
    connectionsCheckingInterval: timeouts.check,
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
    // prepareListener checks the Host header; Node would answer without a body.
    requireHostHeader: false
  }
  return Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // A child logger for each request costs more than the few log lines are worth.
    childLoggerFactory: (logger: FastifyBaseLogger) => logger,
    requestTimeout: timeouts.request,
    connectionTimeout: timeouts.stalled,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // With TLS, Fastify ignores `http` and passes only `https` to Node.
    http,
    https: options.tls === undefined ? null : { ...http, ...options.tls, handshakeTimeout: timeouts.headers },
    rewriteUrl: ({ url = '' }: { url?: string }) => withoutDoubledVersion(url),
    routerOptions: PATH_RULES,
    // No route has a schema. Without these, Fastify would load Ajv and more at each start.
    schemaController: { compilersFactory: { buildValidator: neverAsked, buildSerializer: neverAsked } },
    frameworkErrors: (error: Parameters<typeof answerError>[0], request: FastifyRequest, reply: FastifyReply) => {
      // No hook has run, so the CORS headers are added here.
      reply.headers(originRule(request.headers.origin)).header('vary', 'Origin')
      answerError(error, request, reply)
    }
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance
}

/** Waits a tick, until the rest of the chunk is parsed, so that all pipelined requests are counted. */
function checkLater(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  process.nextTick(checkRequest, request, reply, done)
}

function checkRequest(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const { url = '', socket } = request.raw
  if (isOverPipelineLimit(socket)) reply.hijack()
  else if (url.length > MAX_URL_CHARS) sendError(reply, 'uri_too_long')
  else done()
}

function neverAsked(): never {
  throw new Error('no route of this server has a schema')
}
