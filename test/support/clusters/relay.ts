import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface Relay {
  readonly port: number
  /** Closes every connection; new ones are accepted. */
  cut(): void
  /** Closes new connections at once from now on, or accepts them again. */
  refuse(isRefusing: boolean): void
  /** Closes the port and every connection. */
  close(): void
}

/** A TCP relay to a port of this machine whose connections can be cut. Ends with the test. */
export async function startRelay(t: Test, port: number, to: number): Promise<Relay> {
  const sockets = new Set<Socket>()
  const cut = (): void => sockets.forEach(socket => void socket.destroy())
  let isRefusing = false
  const server = createServer(near => {
    if (isRefusing) {
      near.destroy()
      return
    }
    const far = connect(to, '127.0.0.1')
    for (const [from, into] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(from.setNoDelay(true))
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        into.destroy()
      })
      from.pipe(into)
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.close()
    cut()
  }
  t.teardown(close)
  const refuse = (refusing: boolean): void => void (isRefusing = refusing)
  return { port, cut, refuse, close }
}
