import type { FastifyInstance } from 'fastify'
import { SUCCESS } from '../../ingest/pipeline/answer.ts'
import { withVersion } from '../paths.ts'
import { sendAnswer } from '../replies.ts'

/**
 * Registers the path to which browser and mobile SDKs send metrics about themselves, without a key. The requests are
 * answered 200 and dropped unread, because a refusal would make the SDKs retry.
 */
export function registerSdkTelemetry(app: FastifyInstance): void {
  for (const path of withVersion(['/m'])) {
    app.post(path, async (_request, reply) => sendAnswer(reply, SUCCESS))
  }
}
