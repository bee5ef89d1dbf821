import type { EventType } from './event-types.ts'
import type { Effect } from './governance/rules.ts'
import type { Outcome } from './outcome.ts'
import type { Fault } from './reasons.ts'
import type { OutgoingRecord } from './record.ts'
import type { Receipt } from './sink.ts'

/** What became of one request, told once all its events have their outcome. Cheap to make: nothing is parsed for it. */
export interface RequestReport {
  readonly source: string
  readonly endpoint: 'batch' | EventType
  /** The sender's address, as far as it may be kept. */
  readonly address: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  /** The body after inflating, as far as it may be kept; events point into it. It may hold the write key. */
  readonly body: Buffer
  readonly events: readonly EventReport[]
  /** Where the records came to rest; undefined where none was published. */
  readonly receipt: Receipt | undefined
  /** Monotonic milliseconds from the start of each step to its end. */
  readonly timings: { readonly judgeMs: number; readonly encodeMs: number; readonly publishMs: number }
}

/** What became of one event, and the record that was published for it, where one was. */
export interface EventReport extends OutgoingRecord {
  readonly outcome: Outcome
  /** What rules did to it; undefined where none did anything. */
  readonly effects?: readonly Effect[] | undefined
  /** Bytes [start, end) of the body: the event as it was received, or as rules allow it to be kept; none where they do not. */
  readonly start: number
  readonly end: number
  /** Why it was rejected. */
  readonly fault: Fault | undefined
  /** The record's index in the receipt; below 0 where nothing was published: then it has no line. */
  readonly place: number
}

/** Told of every request that was split into events. Must be quick, never throw, and keep nothing of the report. */
export type Observer = (report: RequestReport) => void
