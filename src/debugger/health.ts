import type { FastifyInstance } from 'fastify'
import type { SinkHealth } from '../model/sink.ts'

export interface HealthOptions {
  readonly health: () => SinkHealth
  /** True from the moment that the server was told to stop. */
  readonly draining: () => boolean
  /** Whether Kafka is reached and takes what it is sent, and what is wrong. */
  readonly kafka: () => { readonly reached: boolean; readonly problem: string | null }
  readonly metricsText: () => Promise<string>
  readonly metricsType: string
}

/** `/livez`, `/readyz`, `/readyz/kafka` and `/metrics`: open to whoever reaches the admin listener. */
export function registerHealth(app: FastifyInstance, options: HealthOptions): void {
  app.get('/livez', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const { ready, problems } = options.health()
    if (options.draining())
      return reply.code(503).send({ status: 'draining', problems: ['the server is shutting down'] })
    const status = ready ? (problems.length === 0 ? 'ok' : 'degraded') : 'unavailable'
    return reply.code(ready ? 200 : 503).send({ status, problems })
  })
  // For balancers: prefer the servers that reach Kafka, and take the others where none does.
  app.get('/readyz/kafka', async (_request, reply) => {
    const { reached, problem } = options.kafka()
    if (options.draining())
      return reply.code(503).send({ status: 'draining', problems: ['the server is shutting down'] })
    if (reached && options.health().ready) return { status: 'ok', problems: [] }
    return reply.code(503).send({ status: 'unavailable', problems: [problem ?? 'Kafka is not reached'] })
  })
  app.get('/metrics', async (_request, reply) => reply.type(options.metricsType).send(await options.metricsText()))
}
