import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS, errorBody } from '../../model/errors.ts'
import { MAX_ANSWER_BYTES, MAX_ANSWER_ERRORS, MAX_MESSAGE_ID_CHARS } from '../../model/limits.ts'
import type { Fault, ReasonCode } from '../../model/reasons.ts'
import { REASONS } from '../../model/reasons.ts'
import type { JsonObject } from '../parse/body.ts'
import type { BadEvent } from '../judge/judge.ts'

/** What the client is told. */
export interface Answer {
  readonly status: number
  /** JSON. */
  readonly body: string
  /** Whole seconds, for the Retry-After header. */
  readonly retryAfterSeconds?: number
  /** Set where the request held no events: it is counted by this code, as events are by theirs. */
  readonly refused?: ReasonCode | ErrorCode
}

export const SUCCESS: Answer = { status: 200, body: '{"success":true}' }

export interface BatchCounts {
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: number
  /** Events that rules have ended: taken, and not told to the client. */
  readonly dropped: number
}

/** One fault that is the whole request's: 400, or the status that the catalogue of errors has for it. */
export function faultAnswer({ code, pointer, message }: Fault): Answer {
  return {
    status: code in ERRORS ? ERRORS[code as ErrorCode].status : 400,
    body: JSON.stringify({ success: false, message, code, ...(pointer === '' ? {} : { pointer }) })
  }
}

/** The events cannot be made durable now: nothing was taken. */
export function unavailableAnswer(message: string, retryAfterSeconds: number): Answer {
  return { status: 503, body: errorBody('unavailable', message), retryAfterSeconds }
}

/** The source is over its rate. */
export function rateLimitedAnswer(retryAfterSeconds: number): Answer {
  return { status: 429, body: errorBody('rate_limited'), retryAfterSeconds }
}

const MAX_POINTER_CHARS = 200
/** What the counts and the frame round the list of errors take at most. */
const FRAME_BYTES = 1024

/**
 * A batch in which some events were bad: each is named, as many as fit, so that the truth reaches the developer.
 *
 * @param partialStatus where at least one event is durable; where none is, nothing has succeeded
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
