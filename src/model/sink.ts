import type { OutgoingRecord } from './record.ts'

/** Where a record came to rest. */
export interface Placement {
  readonly store: 'kafka' | 'log' | 'spool' | 'memory'
  readonly topic?: string
  readonly partition?: number
  readonly offset?: string
  readonly file?: string
  /** Byte position of the line in `file`. */
  readonly position?: number
}

/**
 * Told after records are durable: where they are, as numbers, and what makes places of those. The debugger keeps the
 * receipts of thousands of requests and hardly ever reads one: numbers it can pack, while objects that live so long are
 * what V8 collects at the greatest price.
 */
export interface Receipt {
  readonly marks: readonly number[]
  readonly read: ReadPlaces
  /**
   * Whether the sink is through with the records, so that their memory may be used again; false where a copy of them may
   * still be on its way elsewhere.
   */
  readonly released: boolean
}

/**
 * Where record `index` is, by the marks of its receipt; empty where they say nothing of it. One function serves many
 * receipts, so that it costs nothing to keep.
 */
export type ReadPlaces = (marks: ArrayLike<number>, index: number) => readonly Placement[]

export interface SinkHealth {
  /** Whether a record can be made durable now. */
  readonly ready: boolean
  /** In words, for /readyz and the log: what is wrong and what to do; empty when all is well. */
  readonly problems: readonly string[]
}

/**
 * One place where records become durable, or a policy that wraps such places and has the same form.
 */
export interface Sink {
  /**
   * Resolves once every record is durable for every topic it names. Rejects with SinkUnavailable when that cannot
   * be had now; then any of the records may or may not have been stored, and sending them again is right.
   * Records of one call, and calls in the order they were made, keep their order for each key.
   */
  publish(records: readonly OutgoingRecord[]): Promise<Receipt>
  health(): SinkHealth
  /** Finishes what was handed in, then lets go of files and connections. Safe to call twice. */
  close(): Promise<void>
}

/** The events cannot be made durable now; the same request may succeed later (503). */
export class SinkUnavailable extends Error {
  override readonly name = 'SinkUnavailable'
  readonly code = 'SINK_UNAVAILABLE'
  /** Whole seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number

  constructor(message: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterSeconds = options.retryAfterSeconds ?? 1
  }
}

/** By brand, not by instanceof, so that two copies of this file still understand one another. */
export function isSinkUnavailable(error: unknown): error is SinkUnavailable {
  return error instanceof Error && (error as { code?: unknown }).code === 'SINK_UNAVAILABLE'
}
