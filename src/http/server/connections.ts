import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionLimits {
  readonly maxConnections: number
  /** Undefined: no limit per address. */
  readonly maxConnectionsPerIp: number | undefined
  readonly onRefused: () => void
}

/** The most milliseconds by which the announced idle time is shorter than the real one. */
const MAX_HINT_MARGIN_MS = 5_000

/**
 * Closes connections that have been idle for `idleMs`. The `Keep-Alive` header announces a time that is shorter by five
 * seconds or a fifth: a client that respects it never sends into a connection that is being closed.
 */
export function closeIdleAfter(server: Server, idleMs: number): void {
  const marginMs = Math.min(MAX_HINT_MARGIN_MS, idleMs / 5)
  server.keepAliveTimeout = idleMs - marginMs
  server.keepAliveTimeoutBuffer = marginMs
}

/** Bounds the connections of a listener, in all and for one address; a connection over a limit is closed at once. */
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
