import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionLimits {
  readonly maxConnections: number
  /** Undefined: no limit per address. */
  readonly maxConnectionsPerIp: number | undefined
  readonly onRefused: () => void
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
