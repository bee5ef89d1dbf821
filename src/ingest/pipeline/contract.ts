import type { Clock } from '../../model/clock.ts'
import type { EventType } from '../../model/event-types.ts'
import type { Limits } from '../../model/limits.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { ReasonCode } from '../../model/reasons.ts'
import type { Observer } from '../../model/report.ts'
import type { RouteCount } from '../../model/route.ts'
import type { Sink } from '../../model/sink.ts'
import type { Source } from '../../model/source.ts'
import type { ParsedBody } from '../parse/body.ts'
import type { BodyLedger } from './body-keeper.ts'
import type { Dedupe } from '../dedupe/dedupe.ts'
import type { Endpoint, Judge } from '../judge/judge.ts'
import type { BufferPool } from '../enrich/buffer-pool.ts'
import type { Router } from '../route/route.ts'
import type { GovernanceRule } from '../../model/governance/rules.ts'
import type { Governance } from '../govern/governance.ts'
import type { RequestSignals } from '../govern/governance.ts'

/** Where the fates of events are counted: once per request and kind, never per event. */
export interface Ledger extends BodyLedger {
  received(source: string, type: EventType | 'unknown', events: number): void
  settled(fate: Fate, events: number): void
  /** Where the events went that were accepted, or would have gone that failed. */
  routed(routes: readonly RouteCount[]): void
  /** Names in `integrations` that are no destination's; the names themselves are the sender's, so nobody is told them. */
  unknownIntegrations(source: string, names: number): void
  /** What rules did to events. */
  governed(source: string, rule: GovernanceRule, events: number): void
  /** A batch was taken although stray separators stood between its events. */
  batchRepaired(source: string): void
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
  /** The rules between the contract and dedupe; default: none. */
  readonly governance?: Governance
  /** Asked anew for each request: a reload swaps it. */
  readonly router: () => Router
  readonly sink: Sink
  readonly ledger: Ledger
  readonly observe: Observer
  readonly rateLimiter: RateLimiter
  /** How many bytes of bodies that are refused as a whole are kept, for each source. Default 0: none is kept. */
  readonly refusedBytesPerHour?: number
  /** Lets the event loop go round, between the steps of large requests. */
  readonly pause: () => Promise<void>
  readonly clock: Clock
  /** Where the lines of a request are written; large bodies are given back to it. */
  readonly bufferPool: BufferPool
  /** The status of a batch in which some events were bad and others are durable. */
  readonly partialStatus: 200 | 400
}

export interface IngestRequest {
  readonly body: ParsedBody
  readonly endpoint: Endpoint
  /** The path that it came to, as the server names it: no query, and nothing that the client made up. */
  readonly path: string
  readonly source: Source
  /** The key that the request came with: kept out of what is published. */
  readonly writeKey: string
  readonly address: string
  /** What rules may look at besides; default: nothing. */
  readonly signals?: RequestSignals | undefined
  /** As asTraceparent() made it, where the records are to have it. */
  readonly traceparent?: string | undefined
  /** Those of the source; default: the server's. */
  readonly limits?: Limits
  /** What a single event without a messageId gets; default: a new one. */
  readonly messageId?: string
}
