import type { EventType } from './event-types.ts'
import type { Effect } from './governance/rules.ts'
import type { Outcome } from './outcome.ts'
import type { Fault } from './reasons.ts'
import type { OutgoingRecord } from './record.ts'
import type { Receipt } from './sink.ts'

/** The result of a request, after all its events have their outcome. Nothing is parsed for it. */
export interface RequestReport {
  readonly source: string
  readonly endpoint: 'batch' | EventType
  /** The client's address, as far as rules allow to keep it. */
  readonly address: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  /** The inflated body, as far as rules allow to keep it; events are ranges of it. It may contain the write key. */
  readonly body: Buffer
  readonly events: readonly EventReport[]
  /** Where the records are stored; undefined if none was published. */
  readonly receipt: Receipt | undefined
  /** The duration of each step, in milliseconds. */
  readonly timings: { readonly judgeMs: number; readonly encodeMs: number; readonly publishMs: number }
  /** Undefined unless the request is traced. */
  readonly trace?: RequestTrace | undefined
}

/** The result of an event, with its published record if there is one. */
export interface EventReport extends OutgoingRecord {
  readonly outcome: Outcome
  /** What rules did to the event; undefined if none did anything. */
  readonly effects?: readonly Effect[] | undefined
  /**
   * Bytes [start, end) of the body: the event as it was received, or as rules allow to keep it; empty if they do not
   * allow it.
   */
  readonly start: number
  readonly end: number
  /** Why it was rejected. */
  readonly fault: Fault | undefined
  /** The record's index in the receipt; below 0 if nothing was published: then there is no line. */
  readonly place: number
}

/** Called for every request that was split into events. Must be fast, must not throw, and must not keep the report. */
export type Observer = (report: RequestReport) => void

/** The trace of one request that is recorded. Nobody but `telemetry` knows what it consists of. */
export interface RequestTrace {
  /** Adds the steps and the events of the request, after all its events have their outcome. Does not keep the report. */
  addSteps(report: RequestReport): void
  /** Ends the trace when the answer was sent. @param route the registered path; undefined if there is none */
  end(answer: { readonly status: number; readonly route: string | undefined }): void
}
