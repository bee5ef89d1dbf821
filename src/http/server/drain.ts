import { Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
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

/**
 * Stops a listener without a reset for any client: the listener accepts no new connection, and each answer has
 * `Connection: close`. Node's own close() closes idle connections at once, even if a request is on its way on them.
 */
export function createDrainer(app: FastifyInstance): Drainer {
  let draining: Promise<void> | undefined
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (draining !== undefined) reply.header('connection', 'close')
    done()
  })

  async function run({ quietMs, deadlineMs }: DrainOptions): Promise<void> {
    const { server } = app
    const startedAt = performance.now()
    let left = 1
    if (server.listening) NetServer.prototype.close.call(server, () => (left = 0))
    else left = 0
    while (left > 0) {
      const elapsed = performance.now() - startedAt
      if (elapsed >= deadlineMs) server.closeAllConnections()
      else if (elapsed >= quietMs) server.closeIdleConnections()
      await sleep(POLL_MS)
    }
  }

  return {
    get draining() {
      return draining !== undefined
    },
    drain: options => (draining ??= run(options))
  }
}
