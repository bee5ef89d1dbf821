import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** How much of a body is still read and thrown away behind its answer, in bytes and milliseconds. */
const MAX_REST_BYTES = 4 * 1024 * 1024
const MAX_REST_MS = 10_000

const lingering = new WeakSet<Socket>()

/** Whether a request of this socket has its answer already, while the rest of its body is still coming in. */
export function isLingering(socket: Socket): boolean {
  return lingering.has(socket)
}

/**
 * To be called before a request is answered whose body is not all there. Lets the rest pass unread, within limits:
 * closing at once would make the kernel reset the connection, and many clients, which write everything before they
 * read, would never see why they were refused; reading for ever would let anyone keep us busy.
 */
export function letRestPass(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  const { socket } = request
  let bytes = 0
  const timer = setTimeout(() => socket.destroy(), MAX_REST_MS).unref()
  lingering.add(socket)
  // Node closes a connection that is not kept alive right behind the answer. We only say that nothing more will come.
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
