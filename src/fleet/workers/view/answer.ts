import type { FastifyReply } from 'fastify'
import type { RequestAnswer } from '../messages.ts'
import type { Answers } from './ask-all.ts'

/**
 * Sends one answer for all workers: their refusal, 503 if none of them answers, else the result of `merge` and the list
 * of silent workers.
 */
export function answer(reply: FastifyReply, { values, silent, refusal }: Answers, merge: () => object): FastifyReply {
  if (refusal !== undefined) return pass(reply, refusal)
  if (values.length > 0) return reply.send({ ...merge(), silent })
  const message = silent.map(({ worker, problem }) => `worker ${worker}: ${problem}`).join('; ')
  return reply.code(503).header('retry-after', '1').send({ success: false, message, code: 'no_worker', silent })
}

export function pass(reply: FastifyReply, { status, retryAfter, value }: RequestAnswer): FastifyReply {
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  return reply.code(status).send(value)
}
