import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { errorBody } from '../../model/errors.ts'
import type { TrustProxy } from '../caller/client.ts'
import { knowClients } from '../caller/client.ts'
import { closeIdleAfter } from './connections.ts'
import type { OriginRule } from './cors.ts'
import { createClientErrorHandler, refuseConnection } from './errors.ts'
import { letRestPass } from './linger.ts'
import { JSON_TYPE } from '../replies.ts'
import { headFault } from './request-head.ts'

const NO_PAGE: OriginRule = () => ({})

export interface ListenerOptions {
  readonly trustProxy: TrustProxy
  /** Between two requests of a connection, in milliseconds. */
  readonly idleMs: number
  /** Default: no page of another origin may read an answer. */
  readonly originRule?: OriginRule
}

/** What both listeners need, whatever they serve. To be called before anything else listens for requests. */
export function prepareListener(app: FastifyInstance, options: ListenerOptions): void {
  refuseInvalid(app, options.originRule ?? NO_PAGE)
  knowClients(app, options.trustProxy)
  closeIdleAfter(app.server, options.idleMs)
}

/**
 * Makes a listener refuse what is not valid HTTP/1.0 or HTTP/1.1, in the documented form, before Fastify sees it: its
 * router warns of each method that it does not know.
 */
function refuseInvalid({ server }: FastifyInstance, originRule: OriginRule): void {
  // Of requests without an Origin, which browsers send with no request that could come to this.
  const anyOrigin = originRule(undefined)['access-control-allow-origin'] === '*' ? '*' : undefined
  const [handle] = server.listeners('request') as RequestListener[]
  const refused = new WeakSet<Socket>()
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // Nothing behind a broken request can be trusted to be where it seems.
    if (refused.has(request.socket)) return
    const fault = headFault(request)
    if (fault === undefined) return handle?.(request, response)
    refused.add(request.socket)
    letRestPass(request)
    const body = errorBody('bad_request', fault)
    const headers = { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(body), connection: 'close' }
    response.writeHead(400, { ...headers, ...originRule(request.headers.origin), vary: 'Origin' })
    response.end(body)
  })
  server.removeAllListeners('clientError')
  server.on('clientError', createClientErrorHandler(anyOrigin))
  server.on('connect', (_request: IncomingMessage, socket: Socket) =>
    refuseConnection(socket, 'bad_request', anyOrigin)
  )
  // An expectation that nobody knows may be passed over (RFC 9110, 10.1.1); Node would answer it without a body.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response)
  })
}
