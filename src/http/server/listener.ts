import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { errorBody } from '../../model/errors.ts'
import type { TrustProxy } from '../caller/client.ts'
import { decorateClientAddress } from '../caller/client.ts'
import { closeIdleAfter } from './connections.ts'
import type { OriginRule } from './cors.ts'
import { createClientErrorHandler, refuseConnection } from './errors.ts'
import { discardRemainingBody } from './linger.ts'
import { JSON_TYPE } from '../replies.ts'
import { headFault } from './request-head.ts'

const NO_PAGE: OriginRule = () => ({})

export interface ListenerOptions {
  readonly trustProxy: TrustProxy
  /** How long a connection may be idle between two requests, in milliseconds. */
  readonly idleMs: number
  /** Default: no page of another origin may read an answer. */
  readonly originRule?: OriginRule
}

/** Sets up what the tracking and the admin listener share. Call this before anything else listens for requests. */
export function prepareListener(app: FastifyInstance, options: ListenerOptions): void {
  refuseInvalid(app, options.originRule ?? NO_PAGE)
  decorateClientAddress(app, options.trustProxy)
  closeIdleAfter(app.server, options.idleMs)
}

/**
 * Makes a listener refuse requests that are not valid HTTP/1.0 or HTTP/1.1, in the contract's form. Fastify does not get
 * these requests, because its router logs a warning for each unknown method.
 */
function refuseInvalid({ server }: FastifyInstance, originRule: OriginRule): void {
  // For connections that are refused before their Origin is known; a browser sends no such request.
  const anyOrigin = originRule(undefined)['access-control-allow-origin'] === '*' ? '*' : undefined
  const [handle] = server.listeners('request') as RequestListener[]
  const refused = new WeakSet<Socket>()
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // After an invalid request the start of the next request is unknown.
    if (refused.has(request.socket)) return
    const fault = headFault(request)
    if (fault === undefined) return handle?.(request, response)
    refused.add(request.socket)
    discardRemainingBody(request)
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
  // The server may ignore an unknown expectation (RFC 9110, 10.1.1). Node itself would answer 417 without a body.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response)
  })
}
