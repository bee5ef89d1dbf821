import type { FastifyInstance, FastifyReply } from 'fastify'
import type { SinkHealth } from '../model/sink.ts'

export interface HealthOptions {
  readonly health: () => SinkHealth
  /** True after the server has begun to stop. */
  readonly draining: () => boolean
  /** Whether Kafka is reachable and accepts records, and the problem if not. */
  readonly kafka: () => { readonly reached: boolean; readonly problem: string | null }
  readonly metricsText: () => Promise<string>
  readonly metricsType: string
}

/** Probes repeat anyway; once a second is enough. */
const RETRY_AFTER_SECONDS = 1

/** Answers 503 with Retry-After, as every 503 of this server has it. */
function sendUnready(reply: FastifyReply, status: string, problems: readonly string[]): FastifyReply {
  return reply.code(503).header('retry-after', RETRY_AFTER_SECONDS).send({ status, problems })
}

/** Registers `/livez`, `/readyz`, `/readyz/kafka` and `/metrics`. They need no password. */
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
  // For balancers that prefer servers with a connection to Kafka, and use the others if there are none.
  app.get('/readyz/kafka', async (_request, reply) => {
    const { reached, problem } = options.kafka()
    if (options.draining()) return sendDraining(reply)
    if (reached && options.health().ready) return { status: 'ok', problems: [] }
    return sendUnready(reply, 'unavailable', [problem ?? 'Kafka is not reached'])
  })
  app.get('/metrics', async (_request, reply) => reply.type(options.metricsType).send(await options.metricsText()))
}
