/** The messages between the primary and its workers over IPC, in structured-clone form. */

import type { OtherDemand } from '../limits/shares.ts'
import type { Demand } from '../members/heartbeat.ts'
import type { SeenBatch } from '../seen/buffer.ts'

/** The task of a worker, with the facts that it needs before it builds its server. */
export interface StartMessage {
  readonly op: 'start'
  readonly index: number
  readonly count: number
  /** 'serve', or 'drain': relay the waiting records of the folder, without listening, and end. */
  readonly task: 'serve' | 'drain'
  /** The start of the primary in milliseconds since the epoch, from which events are numbered. */
  readonly epoch: number
  /** How messageIds are shared with the other workers; undefined: they are not. */
  readonly share: SharedIds | undefined
}

export interface SharedIds {
  readonly seed: readonly [number, number]
  /** The server's name as a sender of shared ids in a fleet: one UUID for all of its workers. */
  readonly sender: string
  /** Folders of the journals of the others. */
  readonly others: readonly string[]
  /** The latest ids of the others, which may not be in their journals yet. */
  readonly recent: readonly SeenBatch[]
}

/** The state of a worker. */
export interface Beat {
  readonly op: 'beat'
  /** The result of its own /readyz. */
  readonly ready: boolean
  /** Whether it reaches Kafka: /readyz/kafka. */
  readonly kafka: boolean
  readonly problems: readonly string[]
  /** Bytes that Kafka has not confirmed. */
  readonly backlog: number
  /** The current demand of each source with a rate limit. */
  readonly demand: Readonly<Record<string, Demand>>
}

export type FromWorker =
  | { readonly op: 'hello' }
  | { readonly op: 'listening'; readonly url: string }
  /** It cannot serve, and will end; `isRefused`: because of the configuration. */
  | { readonly op: 'failed'; readonly words: string; readonly isRefused: boolean }
  | Beat
  | AnswerMessage
  /** A live batch for a reader, as JSON, and the seq of its last row. */
  | { readonly op: 'rows'; readonly id: number; readonly json: string; readonly last?: number }
  /** messageIds that it made durable. */
  | { readonly op: 'seen'; readonly batches: readonly SeenBatch[] }
  /** Its last message: the bytes that Kafka has not confirmed, and its counters as JSON of the metrics library. */
  | { readonly op: 'stopped'; readonly left: number; readonly metrics: readonly object[] }

export type FromPrimary =
  | StartMessage
  | AskMessage
  | { readonly op: 'reload' }
  | { readonly op: 'stop' }
  /** A reader of the live stream: from the event after `after` on, else from now on. */
  | { readonly op: 'watch'; readonly id: number; readonly query: string; readonly after?: number }
  /** The reader has taken a batch. */
  | { readonly op: 'more'; readonly id: number }
  | { readonly op: 'unwatch'; readonly id: number }
  /** messageIds that the others made durable. */
  | { readonly op: 'seen'; readonly batches: readonly SeenBatch[] }
  /** The demand of the other workers. */
  | { readonly op: 'demand'; readonly others: readonly OtherDemand[] }

export interface AskMessage {
  readonly op: 'ask'
  readonly id: number
  readonly question: Question
}

/** The counters; or a request to the worker's admin routes. */
export type Question =
  | { readonly kind: 'metrics' }
  | {
      readonly kind: 'request'
      readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
      readonly url: string
      readonly body?: string
    }

export interface AnswerMessage {
  readonly op: 'answer'
  readonly id: number
  /** Undefined if the worker could not answer; `problem` has the reason. */
  readonly value?: unknown
  readonly problem?: string
}

/** The answer of a worker's admin routes. */
export interface RequestAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  /** The parsed JSON; undefined without a body. */
  readonly value: unknown
}

/** The most bytes of JSON in an answer; a larger answer is replaced by an error. */
export const MAX_ANSWER_BYTES = 2 * 1024 * 1024
/** A worker without an answer or a heartbeat for this long counts as silent. */
export const SILENT_MS = 1_000
/** The interval of a worker's heartbeats. */
export const BEAT_MS = 250
