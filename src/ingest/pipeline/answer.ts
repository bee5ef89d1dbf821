import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS, errorBody } from '../../model/errors.ts'
import { MAX_ANSWER_BYTES, MAX_ANSWER_ERRORS, MAX_MESSAGE_ID_CHARS } from '../../model/limits.ts'
import type { Fault, ReasonCode } from '../../model/reasons.ts'
import { REASONS } from '../../model/reasons.ts'
import type { JsonObject } from '../parse/body.ts'
import type { BadEvent } from '../judge/judge.ts'

/** The response to a request. */
export interface Answer {
  readonly status: number
  /** JSON. */
  readonly body: string
  /** Whole seconds, for the Retry-After header. */
  readonly retryAfterSeconds?: number
  /** Set if the request had no events: the request itself is then counted under this code. */
  readonly refused?: ReasonCode | ErrorCode
}

export const SUCCESS: Answer = { status: 200, body: '{"success":true}' }

export interface BatchCounts {
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: number
  /** Events that rules have ended; the answer does not mention them. */
  readonly dropped: number
}

/** The answer to a batch without refused events whose sender asked for counts. As elsewhere, dropped events are not mentioned. */
export function countsAnswer({ accepted, duplicates }: BatchCounts): Answer {
  return { status: 200, body: JSON.stringify({ success: true, accepted, duplicates }) }
}

/** The answer to a request with one fault: the status of its code in the catalogue of errors, otherwise 400. */
export function faultAnswer({ code, pointer, message }: Fault): Answer {
  return {
    status: code in ERRORS ? ERRORS[code as ErrorCode].status : 400,
    body: JSON.stringify({ success: false, message, code, ...(pointer === '' ? {} : { pointer }) })
  }
}

/** The events cannot be made durable now, and none was accepted. */
export function unavailableAnswer(message: string, retryAfterSeconds: number): Answer {
  return { status: 503, body: errorBody('unavailable', message), retryAfterSeconds }
}

/** The source is over its rate. */
export function rateLimitedAnswer(retryAfterSeconds: number): Answer {
  return { status: 429, body: errorBody('rate_limited'), retryAfterSeconds }
}

const MAX_POINTER_CHARS = 200
/** The most bytes of the answer outside the list of errors. */
const FRAME_BYTES = 1024

/**
 * The answer to a batch with refused events. It lists as many of them as fit.
 *
 * @param partialStatus the status if at least one event was not refused; otherwise the status is 400
 */
export function partialAnswer(
  bad: readonly BadEvent[],
  { dropped, ...counts }: BatchCounts,
  partialStatus: 200 | 400
): Answer {
  const status = counts.accepted + counts.duplicates + dropped > 0 ? partialStatus : 400
  const errors: string[] = []
  let room = MAX_ANSWER_BYTES - FRAME_BYTES
  for (const event of bad.slice(0, MAX_ANSWER_ERRORS)) {
    const error = JSON.stringify(describe(event))
    room -= Buffer.byteLength(error) + 1
    if (room < 0) break
    errors.push(error)
  }
  const omitted = bad.length - errors.length
  const total = counts.accepted + counts.duplicates + counts.rejected + dropped
  const message = `${counts.rejected} of ${total} events were rejected: ${REASONS.multi_user_error}`
  const words = status === 200 ? { success: true } : { success: false, message, code: 'multi_user_error' }
  const head = JSON.stringify({ ...words, ...counts })
  const tail = omitted > 0 ? `,"errorsOmitted":${omitted}` : ''
  return { status, body: `${head.slice(0, -1)},"errors":[${errors.join(',')}]${tail}}` }
}

function describe({ index, value, fault }: BadEvent): object {
  const { code, pointer, message } = fault
  const id = typeof value === 'object' && value !== null ? (value as JsonObject)['messageId'] : undefined
  const messageId = typeof id === 'string' ? id.slice(0, MAX_MESSAGE_ID_CHARS) : null
  return { index, messageId, code, pointer: pointer.slice(0, MAX_POINTER_CHARS), message }
}
