import type { Clock } from '../../model/clock.ts'
import type { EventType } from '../../model/event-types.ts'
import type { Limits } from '../../model/limits.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { ReasonCode } from '../../model/reasons.ts'
import type { Observer, RequestTrace } from '../../model/report.ts'
import type { RouteCount } from '../../model/route.ts'
import type { Sink } from '../../model/sink.ts'
import type { Source } from '../../model/source.ts'
import type { ParsedBody } from '../parse/body.ts'
import type { BodyLedger } from './refused-body-store.ts'
import type { Dedupe } from '../dedupe/dedupe.ts'
import type { Endpoint, Judge } from '../judge/judge.ts'
import type { BufferPool } from '../enrich/buffer-pool.ts'
import type { Router } from '../route/route.ts'
import type { GovernanceRule } from '../../model/governance/rules.ts'
import type { Governance } from '../govern/governance.ts'
import type { RequestSignals } from '../govern/governance.ts'

/** Counts events by outcome. Each method is called once for a request and a kind of event, never for each event. */
export interface Ledger extends BodyLedger {
  received(source: string, type: EventType | 'unknown', events: number): void
  settled(kind: SettledEvents, events: number): void
  /** Counts the routes of accepted events, and the routes that failed events would have taken. */
  routed(routes: readonly RouteCount[]): void
  /** Counts names in `integrations` that are no destination. The names come from the sender, so they are no labels. */
  unknownIntegrations(source: string, names: number): void
  /** Counts the events on which a rule had an effect. */
  governed(source: string, rule: GovernanceRule, events: number): void
  /** Counts a batch that was accepted with stray separators between its events. */
  batchRepaired(source: string): void
}

/** The labels under which events with one outcome are counted. */
export interface SettledEvents {
  readonly source: string
  readonly type: EventType | 'unknown'
  readonly outcome: Outcome
  readonly code?: ReasonCode
}

/** Takes tokens for a request. Returns 0 if the request may pass, otherwise the whole seconds after which it may. */
export interface RateLimiter {
  take(source: Source, events: number): number
}

export interface PipelineOptions {
  readonly judge: Judge
  readonly dedupe: Dedupe
  /** The rules between the contract and dedupe; default: none. */
  readonly governance?: Governance
  /** Called for each request, because a reload replaces the router. */
  readonly router: () => Router
  readonly sink: Sink
  readonly ledger: Ledger
  readonly observe: Observer
  readonly rateLimiter: RateLimiter
  /** See RefusedBodyStoreOptions. Default 0: no refused body is kept. */
  readonly refusedBytesPerHour?: number
  /** Resolves after a turn of the event loop; called between the steps of large requests. */
  readonly pause: () => Promise<void>
  readonly clock: Clock
  /** The pool for the lines of a request; large bodies are released to it. */
  readonly bufferPool: BufferPool
  /** The status of a batch in which some events were refused and others are durable. */
  readonly partialStatus: 200 | 400
}

export interface IngestRequest {
  readonly body: ParsedBody
  readonly endpoint: Endpoint
  /** The registered path of the request: it has no query and no text of the client. */
  readonly path: string
  readonly source: Source
  /** The write key of the request, which must not be published. */
  readonly writeKey: string
  readonly address: string
  /** Signals of the request that rules may use; default: none. */
  readonly signals?: RequestSignals | undefined
  /** The result of asTraceparent(), if records contain it. */
  readonly traceparent?: string | undefined
  /** Undefined unless the request is traced. */
  readonly trace?: RequestTrace | undefined
  /** The limits of the source; default: the server's. */
  readonly limits?: Limits
  /** The messageId for a single event without one; default: a new UUID. */
  readonly messageId?: string
  /** The answer to a batch without refused events has counts too. Default: false. */
  readonly wantsCounts?: boolean
}
