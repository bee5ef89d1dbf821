import { Server as NetServer } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

export interface DrainOptions {
  /** How long an idle connection stays open for a request that its client has sent already, in milliseconds. */
  readonly quietMs: number
  /** When all remaining connections are closed, in milliseconds from now. */
  readonly deadlineMs: number
}

export interface Drainer {
  readonly draining: boolean
  /** Resolves once no connection is left. Safe to call twice. */
  drain(options: DrainOptions): Promise<void>
}

const POLL_MS = 20
/** A turn of the event loop that takes less than this, in milliseconds, has read next to nothing. */
const QUIET_TURN_MS = 1
/** Under load no turn may be quiet: then a stop goes on after this time, in milliseconds. */
const MAX_READ_MS = 250

const drainingServers = new WeakSet<NetServer>()

/** Whether the connections of a listener are closed after their answers, because it stops. */
export function isDraining(server: NetServer): boolean {
  return drainingServers.has(server)
}

/**
 * Lets the event loop accept and read what the kernel holds already. The kernel resets a connection that is closed before its
 * bytes are read, and each connection that waits to be accepted when the listener is closed. Node accepts one connection in a turn.
 */
async function readWhatArrived(server: NetServer): Promise<void> {
  let accepted = 0
  const count = (): number => accepted++
  server.on('connection', count)
  const end = performance.now() + MAX_READ_MS
  // The first immediate may come before the event loop has polled once.
  await nextTurn()
  for (let isQuiet = false, start = performance.now(); !isQuiet && start < end; start = performance.now()) {
    const before = accepted
    await nextTurn()
    isQuiet = accepted === before && performance.now() - start < QUIET_TURN_MS
  }
  server.off('connection', count)
}

/**
 * Stops a listener without a reset for any client: the listener accepts no new connection, and each answer has
 * `Connection: close`. Node's own close() closes idle connections at once, even if a request is on its way on them.
 */
export function createDrainer(app: FastifyInstance): Drainer {
  let draining: Promise<void> | undefined
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isDraining(app.server)) reply.header('connection', 'close')
    done()
  })

  async function run({ quietMs, deadlineMs }: DrainOptions): Promise<void> {
    const { server } = app
    drainingServers.add(server)
    const startedAt = performance.now()
    let left = 1
    await readWhatArrived(server)
    if (server.listening) NetServer.prototype.close.call(server, () => (left = 0))
    else left = 0
    while (left > 0) {
      const elapsed = performance.now() - startedAt
      if (elapsed >= deadlineMs) server.closeAllConnections()
      else if (elapsed >= quietMs) {
        await readWhatArrived(server)
        server.closeIdleConnections()
      }
      await sleep(POLL_MS)
    }
  }

  return {
    get draining() {
      return isDraining(app.server)
    },
    drain: options => (draining ??= run(options))
  }
}
