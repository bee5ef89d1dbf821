import { Registry } from '@prometheus-io/client'
import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { ReasonCode } from '../model/reasons.ts'
import { countGoverned } from './governance-metrics.ts'
import type { Reading } from './instruments.ts'
import { Instruments } from './instruments.ts'
import { METRICS } from './metric-list.ts'
import { countTokens } from './oauth-metrics.ts'
import { createRouteTotals } from './route-totals.ts'
import { collectRuntimeMetrics } from './runtime.ts'
import type { SpanOutcome } from './traces/trace-metrics.ts'

/** Creates the metrics that other folders get to count with. Only this folder uses the metrics library. */
export function createMetrics() {
  const registry = new Registry()
  collectRuntimeMetrics(registry)
  const instruments = new Instruments(registry)
  return {
    registry,
    ...countEvents(instruments),
    ...countRequests(instruments),
    ...countWrites(instruments),
    ...countTokens({
      asked: instruments.count(METRICS.tokensAsked),
      verified: instruments.count(METRICS.tokensVerified)
    }),
    /** Registers a gauge with the function that computes its values. */
    gauge(spec: (typeof METRICS)[keyof typeof METRICS] & { kind: 'gauge' }, reading: Reading): void {
      instruments.gauge(spec, reading)
    }
  }
}

function countEvents(instruments: Instruments) {
  const routes = createRouteTotals(({ destination, outcome, rule }, events) =>
    destinationEvents.add([destination, outcome, rule], events)
  )
  const received = instruments.count(METRICS.eventsReceived)
  const settled = instruments.count(METRICS.events)
  const destinationEvents = instruments.count(METRICS.destinationEvents, routes.flush)
  const violationEvents = instruments.count(METRICS.violationEvents)
  const unknownIntegrations = instruments.count(METRICS.unknownIntegrations)
  return {
    received(source: string, type: EventType | 'unknown', events: number): void {
      received.add([source, type], events)
    },
    settled(
      fate: { source: string; type: EventType | 'unknown'; outcome: Outcome; code?: ReasonCode },
      events: number
    ): void {
      settled.add([fate.source, fate.type, fate.outcome, fate.code ?? ''], events)
    },
    routed: routes.add,
    governed: countGoverned(instruments.count(METRICS.governedEvents)),
    violationEvents(source: string, outcome: string, events: number): void {
      violationEvents.add([source, outcome], events)
    },
    unknownIntegrations(source: string, names: number): void {
      unknownIntegrations.add([source], names)
    }
  }
}

function countRequests(instruments: Instruments) {
  const batchesRepaired = instruments.count(METRICS.batchesRepaired)
  const rejectedBodies = instruments.count(METRICS.rejectedBodies)
  const requestsRefused = instruments.count(METRICS.requestsRefused)
  const requestDuration = instruments.time(METRICS.requestDuration)
  const requestBytes = instruments.count(METRICS.requestBytes)
  const connectionsRefused = instruments.count(METRICS.connectionsRefused)
  return {
    batchRepaired(source: string): void {
      batchesRepaired.add([source], 1)
    },
    bodyRefused(source: string, outcome: string): void {
      rejectedBodies.add([source, outcome], 1)
    },
    requestRefused(code: string): void {
      requestsRefused.add([code], 1)
    },
    requestEnded(route: string, status: number, seconds: number): void {
      requestDuration.of([route, String(status)]).observe(seconds)
    },
    bodyRead(bytes: number): void {
      requestBytes.add([], bytes)
    },
    connectionRefused: (): void => connectionsRefused.add([], 1)
  }
}

function countWrites(instruments: Instruments) {
  const publishDuration = instruments.time(METRICS.publishDuration)
  const publishedRecords = instruments.count(METRICS.publishedRecords)
  const publishedBytes = instruments.count(METRICS.publishedBytes)
  const relayedRecords = instruments.count(METRICS.relayedRecords)
  const spans = instruments.count(METRICS.spans)
  return {
    published(sink: string, write: { records: number; bytes: number; milliseconds: number }): void {
      publishDuration.of([sink]).observe(write.milliseconds / 1000)
      publishedRecords.add([sink], write.records)
      publishedBytes.add([sink], write.bytes)
    },
    relayed(records: number): void {
      relayedRecords.add([], records)
    },
    spans(outcome: SpanOutcome, count: number): void {
      spans.add([outcome], count)
    }
  }
}
