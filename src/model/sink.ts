import type { OutgoingRecord } from './record.ts'

/** Where a record is stored. */
export interface Placement {
  readonly store: 'kafka' | 'log' | 'spool' | 'archive' | 'memory'
  readonly topic?: string
  readonly partition?: number
  readonly offset?: string
  readonly file?: string
  /** Byte position of the line in `file`, in the archive of the decompressed line. */
  readonly position?: number
}

/**
 * The file beside the spool with the records that Kafka never accepts. Does not end in `.ndjson`, so that no tool takes these records for
 * events that Kafka is still to get.
 */
export const REFUSED_FILE = 'refused.jsonl'

/**
 * The places of durable records as numbers, and the function that reads them. The debugger keeps the receipts of thousands of
 * requests and rarely reads one: it can pack numbers, while the garbage collection of such long-lived objects would be expensive.
 */
export interface Receipt {
  readonly marks: readonly number[]
  readonly read: ReadPlaces
  /**
   * Whether the sink no longer reads the records, so that their memory can be reused; false if a copy of them may still be in
   * flight.
   */
  readonly released: boolean
}

/**
 * The places of record `index`, from the marks of its receipt; empty if they have none. Many receipts share one function, so
 * that keeping it costs nothing.
 */
export type ReadPlaces = (marks: ArrayLike<number>, index: number) => readonly Placement[]

export interface SinkHealth {
  /** Whether a record can be made durable now. */
  readonly ready: boolean
  /** The problems as sentences for /readyz and the log, with what to do; empty if there are none. */
  readonly problems: readonly string[]
}

/**
 * One place where records become durable, or a policy that wraps such places and has the same form.
 */
export interface Sink {
  /**
   * Resolves when every record is durable for all of its topics. Rejects with SinkUnavailable if that is not possible now; any
   * of the records may then be stored or not, and the client should send them again. The order of records in a call, and of
   * calls, is kept for each key.
   */
  publish(records: readonly OutgoingRecord[]): Promise<Receipt>
  health(): SinkHealth
  /** Finishes all published records, then closes files and connections. Safe to call twice. */
  close(): Promise<void>
}

/** The events cannot be made durable now; the same request may succeed later (503). */
export class SinkUnavailable extends Error {
  override readonly name = 'SinkUnavailable'
  readonly code = 'SINK_UNAVAILABLE'
  /** The whole seconds after which the client should try again. */
  readonly retryAfterSeconds: number

  constructor(message: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterSeconds = options.retryAfterSeconds ?? 1
  }
}

/** Checks the code, not instanceof, so that errors of another copy of this module are recognised. */
export function isSinkUnavailable(error: unknown): error is SinkUnavailable {
  return error instanceof Error && (error as { code?: unknown }).code === 'SINK_UNAVAILABLE'
}
