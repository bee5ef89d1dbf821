import type { Clock } from '../model/clock.ts'
import { errorBody } from '../model/errors.ts'
import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { ReasonCode } from '../model/reasons.ts'
import type { Observer } from '../model/report.ts'
import type { Sink } from '../model/sink.ts'
import type { Source } from '../model/source.ts'
import type { Answer } from './answer.ts'
import { faultAnswer } from './answer.ts'
import type { ParsedBody } from './body.ts'
import type { Dedupe } from './dedupe.ts'
import type { Endpoint, Judge } from './judge.ts'
import { judgeEnvelope } from './judge.ts'
import { RequestWork } from './request-work.ts'
import type { Router } from './route.ts'

/** Where the fates of events are counted: once per request and kind, never per event. */
export interface Ledger {
  received(source: string, type: EventType | 'unknown', events: number): void
  settled(fate: Fate, events: number): void
}

export interface Fate {
  readonly source: string
  readonly type: EventType | 'unknown'
  readonly outcome: Outcome
  readonly code?: ReasonCode
}

/** Takes tokens for a request; 0 when they were there, else whole seconds until trying again makes sense. */
export interface RateLimiter {
  take(source: Source, events: number): number
}

export interface PipelineOptions {
  readonly judge: Judge
  readonly dedupe: Dedupe
  /** Asked anew for each request: a reload swaps it. */
  readonly router: () => Router
  readonly sink: Sink
  readonly ledger: Ledger
  readonly observe: Observer
  readonly rateLimiter: RateLimiter
  readonly clock: Clock
  /** The status of a batch in which some events were bad. */
  readonly partialStatus: number
}

export interface IngestRequest {
  readonly body: ParsedBody
  readonly endpoint: Endpoint
  readonly source: Source
  /** The key that the request came with: kept out of what is published. */
  readonly writeKey: string
  readonly address: string
}

/** The path of an event from the parsed body on: validate, dedupe, enrich, route, publish, answer. */
export interface Pipeline {
  /**
   * Each event of the request has its one outcome when this resolves. Never rejects for what a client can send, nor
   * for a sink that is unavailable; only for a bug, and then nothing was taken.
   */
  ingest(request: IngestRequest): Promise<Answer>
}

export function createPipeline(options: PipelineOptions): Pipeline {
  return {
    async ingest(request) {
      const { body, source } = request
      const work = new RequestWork(options, request)
      const seconds = options.rateLimiter.take(source, body.events.length)
      if (seconds > 0) {
        work.holdBack()
        return { status: 429, body: errorBody('rate_limited'), retryAfterSeconds: seconds }
      }
      const shared = judgeEnvelope(options.judge, body)
      if (shared !== undefined && body.events.length === 0) return faultAnswer(shared)
      return work.run(shared)
    }
  }
}
