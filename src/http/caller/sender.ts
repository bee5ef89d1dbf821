import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { RequestSignals } from '../../ingest/govern/governance.ts'
import { parseTraceparent, TRACEPARENT } from '../../model/record.ts'

/** Keeps the address of each client after its socket has closed, for the requests that are still in flight. */
export function cacheRemoteAddresses(server: Server): void {
  const cacheAddress = (socket: Socket): void => {
    // Node caches the address when it is read for the first time.
    void socket.remoteAddress
  }
  server.on('connection', cacheAddress)
  server.on('secureConnection', cacheAddress)
}

/** The client's address according to TRUST_PROXY; empty if the client disconnected before it could be read. */
export function senderOf(request: FastifyRequest): string {
  return request.clientAddress
}

const GPC_SIGNALS: RequestSignals = { gpc: true }

/** The signals in a request's head that rules may use; undefined for most requests. */
export function signalsOf(request: FastifyRequest): RequestSignals | undefined {
  return request.raw.headers['sec-gpc'] === '1' ? GPC_SIGNALS : undefined
}

/** Among other preferences, which are ignored. */
const RETURN_REPRESENTATION = /(?:^|,)\s*return\s*=\s*"?representation"?\s*(?:[,;]|$)/i

/**
 * Whether the sender asks for the counts of a batch in its answer: `Prefer: return=representation`. SDKs do not ask.
 * Source: RFC 7240, section 4.2.
 */
export function wantsCounts(request: FastifyRequest): boolean {
  const { prefer } = request.raw.headers
  return prefer !== undefined && RETURN_REPRESENTATION.test(String(prefer))
}

/** The `traceparent` of a request (W3C Trace Context); undefined if it is not valid or records do not contain it. */
export function traceparentIn(request: FastifyRequest, { keepTraceparent }: TraceOptions): string | undefined {
  return keepTraceparent === true ? parseTraceparent(request.raw.headers[TRACEPARENT]) : undefined
}

export interface TraceOptions {
  /** Whether records have the `traceparent` of their request. Default: false. */
  readonly keepTraceparent?: boolean
}
