import type { FastifyReply } from 'fastify'
import type { ErrorCode } from '../model/errors.ts'
import { DEFAULT_RETRY_AFTER_SECONDS, ERRORS, errorBody } from '../model/errors.ts'

export const JSON_TYPE = 'application/json; charset=utf-8'

export interface Answerable {
  readonly status: number
  /** Text of `type`. */
  readonly body: string
  /** Default: JSON_TYPE. */
  readonly type?: string
  readonly retryAfterSeconds?: number
}

/** Sends an answer; Retry-After in whole seconds, as the SDKs parse it. */
export function sendAnswer(
  reply: FastifyReply,
  { status, body, type = JSON_TYPE, retryAfterSeconds }: Answerable
): FastifyReply {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterSeconds))))
  return reply.code(status).header('content-type', type).send(body)
}

/** The answer for an error of the catalogue. */
export function errorAnswer(code: ErrorCode, message?: string): Answerable {
  const { status, retryable } = ERRORS[code]
  const answer = { status, body: errorBody(code, message) }
  return retryable ? { ...answer, retryAfterSeconds: DEFAULT_RETRY_AFTER_SECONDS } : answer
}

/** Sends an error of the catalogue. */
export function sendError(reply: FastifyReply, code: ErrorCode, message?: string): FastifyReply {
  return sendAnswer(reply, errorAnswer(code, message))
}
