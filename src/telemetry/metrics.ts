import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { EventType } from '../model/event-types.ts'
import type { Outcome } from '../model/outcome.ts'
import type { ReasonCode } from '../model/reasons.ts'
import { createRouteTotals } from './route-totals.ts'

const LATENCY_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Every metric that we make, with its labels: the one list. No label ever carries free text, so the number of series
 * is bounded by the configuration.
 */
export const METRICS = {
  eventsReceived: {
    kind: 'counter',
    name: 'tributary_events_received_total',
    help: 'Events received, before any was judged. Equals the sum of tributary_events_total.',
    labels: ['source', 'type']
  },
  events: {
    kind: 'counter',
    name: 'tributary_events_total',
    help: 'Events by their one outcome: accepted, duplicate, rejected (with its reason code), rate_limited, failed, filtered.',
    labels: ['source', 'type', 'outcome', 'code']
  },
  destinationEvents: {
    kind: 'counter',
    name: 'tributary_destination_events_total',
    help: 'Accepted events by destination: routed to its topic, or filtered by the first rule that said no (disabled, source, type, events, sample, integrations); and failed: routed, but answered 503.',
    labels: ['destination', 'outcome', 'rule']
  },
  unknownIntegrations: {
    kind: 'counter',
    name: 'tributary_unknown_integrations_total',
    help: 'Names in integrations that are no destination of the configuration; they are ignored.',
    labels: ['source']
  },
  requestsRefused: {
    kind: 'counter',
    name: 'tributary_requests_refused_total',
    help: 'Requests refused before they were split into events, by code: no key, not JSON, too large.',
    labels: ['code']
  },
  requestDuration: {
    kind: 'histogram',
    name: 'tributary_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labels: ['route', 'status'],
    buckets: LATENCY_BUCKETS_SECONDS
  },
  requestBytes: {
    kind: 'counter',
    name: 'tributary_http_request_bytes_total',
    help: 'Bytes of request bodies, after inflating.',
    labels: []
  },
  heldBodyBytes: {
    kind: 'gauge',
    name: 'tributary_http_body_bytes_held',
    help: 'Bytes of bodies under way, bounded at 256 MiB; full means 503.',
    labels: []
  },
  openConnections: {
    kind: 'gauge',
    name: 'tributary_http_connections',
    help: 'Open connections of the tracking API.',
    labels: []
  },
  connectionsRefused: {
    kind: 'counter',
    name: 'tributary_http_connections_refused_total',
    help: 'Connections closed at once because MAX_CONNECTIONS or MAX_CONNECTIONS_PER_IP was reached.',
    labels: []
  },
  publishDuration: {
    kind: 'histogram',
    name: 'tributary_publish_duration_seconds',
    help: 'Time until a sink confirmed a write: a produce request for kafka, a write and fsync for a log.',
    labels: ['sink'],
    buckets: LATENCY_BUCKETS_SECONDS
  },
  publishedRecords: {
    kind: 'counter',
    name: 'tributary_published_records_total',
    help: 'Records that a sink confirmed.',
    labels: ['sink']
  },
  publishedBytes: {
    kind: 'counter',
    name: 'tributary_published_bytes_total',
    help: 'Bytes of the records that a sink confirmed.',
    labels: ['sink']
  },
  queueBytes: {
    kind: 'gauge',
    name: 'tributary_queue_bytes',
    help: 'Bytes waiting to be written, by sink; bounded, and full means 503.',
    labels: ['sink']
  },
  logBytes: {
    kind: 'gauge',
    name: 'tributary_log_bytes',
    help: 'Bytes on disk, by folder of DATA_DIR.',
    labels: ['log']
  },
  backlogBytes: {
    kind: 'gauge',
    name: 'tributary_backlog_bytes',
    help: 'Bytes on disk that Kafka has not confirmed yet.',
    labels: []
  },
  spoolMaxBytes: {
    kind: 'gauge',
    name: 'tributary_spool_max_bytes',
    help: 'SPOOL_MAX_BYTES: what may wait for Kafka on disk.',
    labels: []
  },
  relayedRecords: {
    kind: 'counter',
    name: 'tributary_relayed_records_total',
    help: 'Records that the relay moved from disk to Kafka.',
    labels: []
  },
  ready: {
    kind: 'gauge',
    name: 'tributary_ready',
    help: '1 while an event can be made durable.',
    labels: []
  },
  dedupeIds: {
    kind: 'gauge',
    name: 'tributary_dedupe_ids',
    help: 'messageIds remembered, by source; bounded by DEDUP_MAX_IDS.',
    labels: ['source']
  },
  dedupeMaxIds: {
    kind: 'gauge',
    name: 'tributary_dedupe_max_ids',
    help: 'DEDUP_MAX_IDS: how many messageIds are remembered for each source.',
    labels: []
  },
  debuggerEvents: {
    kind: 'gauge',
    name: 'tributary_debugger_events',
    help: 'Events that the debugger keeps in memory; at most 100,000.',
    labels: []
  },
  debuggerBytes: {
    kind: 'gauge',
    name: 'tributary_debugger_bytes',
    help: 'Memory that the debugger keeps them in; at most 12 MiB.',
    labels: []
  },
  debuggerWatchers: {
    kind: 'gauge',
    name: 'tributary_debugger_watchers',
    help: 'Open live streams of the debugger; at most 32.',
    labels: []
  }
} as const satisfies Record<string, MetricSpec>

interface MetricSpec {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
}

type Labels = Record<string, string>

/** A gauge whose value is asked for when the metrics are read. */
export type Reading = () => Iterable<readonly [labels: Labels, value: number]>

/** What the rooms are handed to count with; none of them knows the library. */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counters = new Map<MetricSpec, Counter<string>>()
  const histograms = new Map<MetricSpec, Histogram<string>>()
  const routes = createRouteTotals((labels, events) => counter(METRICS.destinationEvents).inc(labels, events))
  for (const spec of Object.values(METRICS) as MetricSpec[]) {
    const common = { name: spec.name, help: spec.help, labelNames: [...spec.labels], registers: [registry] }
    const collect = spec === METRICS.destinationEvents ? { collect: routes.flush } : {}
    if (spec.kind === 'counter') counters.set(spec, new Counter({ ...common, ...collect }))
    if (spec.kind === 'histogram')
      histograms.set(spec, new Histogram({ ...common, buckets: [...(spec.buckets ?? [])] }))
  }
  const counter = (spec: MetricSpec): Counter<string> => counters.get(spec) as Counter<string>
  const histogram = (spec: MetricSpec): Histogram<string> => histograms.get(spec) as Histogram<string>
  const children = new ChildCache()

  return {
    registry,
    received(source: string, type: EventType | 'unknown', events: number): void {
      children.of(counter(METRICS.eventsReceived), { source, type }).inc(events)
    },
    settled(
      fate: { source: string; type: EventType | 'unknown'; outcome: Outcome; code?: ReasonCode },
      events: number
    ): void {
      const { source, type, outcome, code = '' } = fate
      children.of(counter(METRICS.events), { source, type, outcome, code }).inc(events)
    },
    routed: routes.add,
    unknownIntegrations(source: string, names: number): void {
      children.of(counter(METRICS.unknownIntegrations), { source }).inc(names)
    },
    requestRefused(code: string): void {
      counter(METRICS.requestsRefused).inc({ code })
    },
    requestEnded(route: string, status: number, seconds: number): void {
      children.of(histogram(METRICS.requestDuration), { route, status: String(status) }).observe(seconds)
    },
    bodyRead(bytes: number): void {
      counter(METRICS.requestBytes).inc(bytes)
    },
    connectionRefused(): void {
      counter(METRICS.connectionsRefused).inc()
    },
    published(sink: string, write: { records: number; bytes: number; milliseconds: number }): void {
      children.of(histogram(METRICS.publishDuration), { sink }).observe(write.milliseconds / 1000)
      children.of(counter(METRICS.publishedRecords), { sink }).inc(write.records)
      children.of(counter(METRICS.publishedBytes), { sink }).inc(write.bytes)
    },
    relayed(records: number): void {
      counter(METRICS.relayedRecords).inc(records)
    },
    /** Ties a gauge to what it reads. */
    gauge(spec: (typeof METRICS)[keyof typeof METRICS] & { kind: 'gauge' }, reading: Reading): void {
      new Gauge({
        name: spec.name,
        help: spec.help,
        labelNames: [...spec.labels],
        registers: [registry],
        collect() {
          this.reset()
          for (const [labels, value] of reading()) this.set(labels, value)
        }
      })
    }
  }
}

interface Child {
  inc(value?: number): void
  observe(value: number): void
}

/** Resolving labels to a child costs more than counting: each set of labels is resolved once. */
class ChildCache {
  readonly #children = new Map<string, Child>()

  of(metric: Counter<string> | Histogram<string>, labels: Labels): Child {
    const key = `${Object.values(labels).join('\n')}\n${(metric as unknown as { name: string }).name}`
    let child = this.#children.get(key)
    if (child === undefined) this.#children.set(key, (child = metric.labels(labels) as unknown as Child))
    return child
  }
}
