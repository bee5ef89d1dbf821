import type { EventType } from './event-types.ts'
import type { ReasonCode } from './reasons.ts'

interface RecordBase {
  /**
   * The record as one line of NDJSON: JSON in UTF-8 and a line feed. Lines of one request lie side by side in one
   * buffer, so that a log can write them in one piece. The Kafka value is the line without its line feed.
   */
  readonly line: Buffer
  /** The source's id. */
  readonly source: string
  readonly messageId: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  /** What Kafka partitions by: userId, else anonymousId; empty where there is none. */
  readonly key: string
  /** Every topic that the record goes to, each once. */
  readonly topics: readonly string[]
}

/** An accepted event, enriched. */
export interface EventRecord extends RecordBase {
  readonly kind: 'event'
  readonly type: EventType
}

/** A refused event with its reason: `{event, source, code, pointer, message, receivedAt, library}`. */
export interface RejectedRecord extends RecordBase {
  readonly kind: 'rejected'
  readonly code: ReasonCode
}

export type OutgoingRecord = EventRecord | RejectedRecord
