import type { FastifyInstance } from 'fastify'
import { SUCCESS } from '../../ingest/pipeline/answer.ts'
import { withVersion } from '../paths.ts'
import { sendAnswer } from '../replies.ts'

/**
 * Where browser and mobile SDKs send figures about themselves, without any key. Answered and dropped, unread: a
 * refusal would make them try again.
 */
export function registerSdkTelemetry(app: FastifyInstance): void {
  for (const path of withVersion(['/m'])) {
    app.post(path, async (_request, reply) => sendAnswer(reply, SUCCESS))
  }
}
