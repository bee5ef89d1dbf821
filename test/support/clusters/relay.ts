import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface Relay {
  readonly port: number
  /** Ends every connection at once; new ones are taken. */
  cut(): void
  /** From now on new connections are ended at once; or taken again. */
  refuse(isRefusing: boolean): void
  /** The port is gone, and every connection with it. */
  close(): void
}

/** A way to a port of this machine whose connections can be cut. Ends with the test. */
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
