import type { FastifyInstance } from 'fastify'
import type { SinkHealth } from '../model/sink.ts'

export interface HealthOptions {
  readonly health: () => SinkHealth
  /** True from the moment that the server was told to stop. */
  readonly draining: () => boolean
  readonly metricsText: () => Promise<string>
  readonly metricsType: string
}

/** `/livez`, `/readyz` and `/metrics`: open to whoever reaches the admin listener. */
export function registerHealth(app: FastifyInstance, options: HealthOptions): void {
  app.get('/livez', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const { ready, problems } = options.health()
    if (options.draining())
      return reply.code(503).send({ status: 'draining', problems: ['the server is shutting down'] })
    const status = ready ? (problems.length === 0 ? 'ok' : 'degraded') : 'unavailable'
    return reply.code(ready ? 200 : 503).send({ status, problems })
  })
  app.get('/metrics', async (_request, reply) => reply.type(options.metricsType).send(await options.metricsText()))
}
