import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { RequestSignals } from '../../ingest/govern/governance.ts'

/** Makes the address of each client known for as long as its requests are under way: a closed socket has none. */
export function rememberSenders(server: Server): void {
  const remember = (socket: Socket): void => {
    // Node keeps what it was asked for once.
    void socket.remoteAddress
  }
  server.on('connection', remember)
  server.on('secureConnection', remember)
}

/** Who sent a request, as TRUST_PROXY has it; empty where the client was gone before it could be asked. */
export function senderOf(request: FastifyRequest): string {
  return request.clientAddress
}

const GPC_SIGNALS: RequestSignals = { gpc: true }

/** What rules may look at of a request's head; undefined for most requests. */
export function signalsOf(request: FastifyRequest): RequestSignals | undefined {
  return request.raw.headers['sec-gpc'] === '1' ? GPC_SIGNALS : undefined
}
