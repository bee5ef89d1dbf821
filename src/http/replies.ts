import type { FastifyReply } from 'fastify'
import type { ErrorCode } from '../model/errors.ts'
import { DEFAULT_RETRY_AFTER_SECONDS, ERRORS, errorBody } from '../model/errors.ts'

export const JSON_TYPE = 'application/json; charset=utf-8'

export interface Answerable {
  readonly status: number
  /** JSON text. */
  readonly body: string
  readonly retryAfterSeconds?: number
}

/** Sends an answer; Retry-After in whole seconds, as the SDKs parse it. */
export function sendAnswer(reply: FastifyReply, { status, body, retryAfterSeconds }: Answerable): FastifyReply {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterSeconds))))
  return reply.code(status).header('content-type', JSON_TYPE).send(body)
}

/** Sends an error of the catalogue. */
export function sendError(reply: FastifyReply, code: ErrorCode, message?: string): FastifyReply {
  const { status, retryable } = ERRORS[code]
  const answer = { status, body: errorBody(code, message) }
  return sendAnswer(reply, retryable ? { ...answer, retryAfterSeconds: DEFAULT_RETRY_AFTER_SECONDS } : answer)
}
