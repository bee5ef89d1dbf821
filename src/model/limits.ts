/**
 * The contract's limits, each with its unit in its name. The first four can be raised by the operator
 * (MAX_EVENT_BYTES, MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_PUBLISH_BYTES).
 *
 * Source: Segment's HTTP API page, "Max request size": 32 KB a call, 500 KB a batch, 2,500 events, each "less than 32 KB".
 */
export interface Limits {
  /** A single call's body after inflating, and one event inside a batch, as sent, in bytes (inclusive). */
  readonly maxEventBytes: number
  /**
   * A batch's body after inflating, in bytes (inclusive). Full batches of React Native's, Ruby's and Rust's SDKs are up to
   * 1 KB over 512,000: the compatible mode takes them, the strict one keeps to Segment's number.
   */
  readonly maxBatchBytes: number
  readonly maxBatchEvents: number
  /** The most bytes that one request may publish, because a batch's context is copied into each of its events. */
  readonly maxPublishBytes: number
  /** The limits that the source sets itself, for messages; default: none. */
  readonly ofSource?: ReadonlySet<LimitName>
}

export type LimitName = 'maxEventBytes' | 'maxBatchBytes' | 'maxBatchEvents' | 'maxPublishBytes'

/** The variables that set the limits for the whole server. */
export const LIMIT_VARIABLES = {
  maxEventBytes: 'MAX_EVENT_BYTES',
  maxBatchBytes: 'MAX_BATCH_BYTES',
  maxBatchEvents: 'MAX_BATCH_EVENTS',
  maxPublishBytes: 'MAX_PUBLISH_BYTES'
} as const satisfies Record<LimitName, string>

export const LIMIT_NAMES = Object.keys(LIMIT_VARIABLES) as readonly LimitName[]

/** The name of the variable or member that sets a limit, for error messages. */
export function setterOf({ ofSource }: Pick<Limits, 'ofSource'>, name: LimitName): string {
  return ofSource?.has(name) === true ? `limits.${name} of the source` : LIMIT_VARIABLES[name]
}

export const DEFAULT_LIMITS: Limits = {
  maxEventBytes: 32_767,
  maxBatchBytes: 524_288,
  maxBatchEvents: 2_500,
  maxPublishBytes: 4 * 1024 * 1024
}

/** Replaces DEFAULT_LIMITS.maxBatchBytes in the strict mode. */
export const STRICT_MAX_BATCH_BYTES = 512_000

/** A single call's body may be exactly 32 KB; an event must be less than that, so it is bounded again by maxEventBytes. */
export const MAX_SINGLE_BODY_BYTES = 32 * 1024

/** The most nested objects and arrays; the event itself is level 1. */
export const MAX_DEPTH_LEVELS = 64

/** Segment's spec: "messageId is limited to 100 characters". */
export const MAX_MESSAGE_ID_CHARS = 100

/** The most faults of a batch in its answer, and the size limit of that answer. */
export const MAX_ANSWER_ERRORS = 100
export const MAX_ANSWER_BYTES = 64 * 1024
