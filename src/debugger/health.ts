import type { FastifyInstance, FastifyReply } from 'fastify'
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

/** Whoever asks for health asks again: in a second is soon enough. */
const RETRY_AFTER_SECONDS = 1

/** Answers 503, which says when to ask again as every 503 of this server does. */
function sendUnready(reply: FastifyReply, status: string, problems: readonly string[]): FastifyReply {
  return reply.code(503).header('retry-after', RETRY_AFTER_SECONDS).send({ status, problems })
}

/** `/livez`, `/readyz`, `/readyz/kafka` and `/metrics`: open to whoever reaches the admin listener. */
export function registerHealth(app: FastifyInstance, options: HealthOptions): void {
  const sendDraining = (reply: FastifyReply): FastifyReply =>
    sendUnready(reply, 'draining', ['the server is shutting down'])
  app.get('/livez', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const { ready, problems } = options.health()
    if (options.draining()) return sendDraining(reply)
    if (!ready) return sendUnready(reply, 'unavailable', problems)
    return { status: problems.length === 0 ? 'ok' : 'degraded', problems }
  })
  // For balancers: prefer the servers that reach Kafka, and take the others where none does.
  app.get('/readyz/kafka', async (_request, reply) => {
    const { reached, problem } = options.kafka()
    if (options.draining()) return sendDraining(reply)
    if (reached && options.health().ready) return { status: 'ok', problems: [] }
    return sendUnready(reply, 'unavailable', [problem ?? 'Kafka is not reached'])
  })
  app.get('/metrics', async (_request, reply) => reply.type(options.metricsType).send(await options.metricsText()))
}
