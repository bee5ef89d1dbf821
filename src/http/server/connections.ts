import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionLimits {
  readonly maxConnections: number
  /** Undefined: no limit per address. */
  readonly maxConnectionsPerIp: number | undefined
  readonly onRefused: () => void
}

/** How much earlier a client is asked to give a connection up than the server closes it, at most, in milliseconds. */
const MAX_HINT_MARGIN_MS = 5_000

/**
 * Closes connections that have been idle for `idleMs`. The `Keep-Alive` header announces less, by five seconds or by a
 * fifth: a client that keeps to the announcement never sends into a connection that is being closed.
 */
export function closeIdleAfter(server: Server, idleMs: number): void {
  const marginMs = Math.min(MAX_HINT_MARGIN_MS, idleMs / 5)
  server.keepAliveTimeout = idleMs - marginMs
  server.keepAliveTimeoutBuffer = marginMs
}

/** Bounds how many connections a listener holds, in all and from one address; what is beyond is closed at once. */
export function limitConnections(server: Server, options: ConnectionLimits): void {
  const perAddress = new Map<string, number>()
  server.maxConnections = options.maxConnections
  server.on('drop', options.onRefused)
  const limit = options.maxConnectionsPerIp
  if (limit === undefined) return
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const open = (perAddress.get(address) ?? 0) + 1
    perAddress.set(address, open)
    socket.once('close', () => {
      const left = (perAddress.get(address) ?? 1) - 1
      if (left > 0) perAddress.set(address, left)
      else perAddress.delete(address)
    })
    if (open <= limit) return
    options.onRefused()
    socket.destroy()
  })
}
