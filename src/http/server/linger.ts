import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'

/** How much of a body is still read and discarded after the answer, in bytes and milliseconds. */
const MAX_REST_BYTES = 4 * 1024 * 1024
const MAX_REST_MS = 10_000

const lingering = new WeakSet<Socket>()

/** Whether a request of this socket was answered while the rest of its body is still arriving. */
export function isLingering(socket: Socket): boolean {
  return lingering.has(socket)
}

/**
 * Call this before answering a request whose body has not arrived completely. The rest is read and discarded, within
 * limits. If the server closed at once, the kernel would reset the connection, and a client that writes everything before
 * it reads would never see the answer. Without limits, any client could keep the server busy.
 */
export function discardRemainingBody(request: IncomingMessage): void {
  const { socket } = request
  // A request of this process to itself has no real socket, and is never complete.
  if (request.complete || request.destroyed || !(socket instanceof Socket)) return
  let bytes = 0
  const timer = setTimeout(() => socket.destroy(), MAX_REST_MS).unref()
  lingering.add(socket)
  // Node closes a connection that is not kept alive directly after the answer. Here only the sending side is ended.
  socket.destroySoon = () => socket.end()
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_REST_BYTES) socket.destroy()
  })
  request.on('error', () => undefined)
  request.on('close', () => {
    clearTimeout(timer)
    lingering.delete(socket)
    Reflect.deleteProperty(socket, 'destroySoon')
    if (socket.writableEnded) socket.destroySoon()
  })
  request.resume()
}
