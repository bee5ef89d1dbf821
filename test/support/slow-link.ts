import { setTimeout as sleep } from 'node:timers/promises'
import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Test } from 'tap'

export interface SlowLink {
  readonly port: number
  /** The delay of the broker's answers, in milliseconds; may change at any time. */
  delayMs: number
}

/** A relay to a port of this machine that delays answers. Ends with the test. */
export async function startSlowLink(t: Test, port: number, to: () => number): Promise<SlowLink> {
  const link = { port, delayMs: 0 }
  const sockets = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(to(), '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket.setNoDelay(true))
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    // One after the other, each at its time at the earliest.
    let last = Promise.resolve()
    far.on('data', (bytes: Buffer) => {
      const at = performance.now() + link.delayMs
      last = passOn(last, at, () => near.destroyed || near.write(bytes))
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return link
}

async function passOn(before: Promise<void>, at: number, write: () => void): Promise<void> {
  await before
  const early = at - performance.now()
  if (early > 0) await sleep(early)
  write()
}
