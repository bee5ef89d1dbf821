import { Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

export interface DrainOptions {
  /** So long an idle connection may still bring a request that its client has sent already, in milliseconds. */
  readonly quietMs: number
  /** When everything that is left is cut, in milliseconds from now. */
  readonly deadlineMs: number
}

export interface Drainer {
  readonly draining: boolean
  /** Resolves once no connection is left. Safe to call twice. */
  drain(options: DrainOptions): Promise<void>
}

const POLL_MS = 20

/**
 * Ends a listener without resetting anyone: no new connections, and on the old ones each answer says that it is the
 * last. Node's own close() ends idle connections at once, also those on which a request is under way to us.
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
