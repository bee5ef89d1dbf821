import { GOVERNANCE_METRICS } from './governance-metrics.ts'
import { OPERATIONS_METRICS } from './operations-metrics.ts'
import { OAUTH_METRICS } from './oauth-metrics.ts'
import { TRACE_METRICS } from './traces/trace-metrics.ts'
import { WORKER_METRICS } from './worker-metrics.ts'

const LATENCY_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * All metrics of the server with their labels. No label contains free text, so the configuration bounds the number of series.
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
    help: 'Events by their one outcome: accepted, duplicate, rejected (with its reason code), rate_limited, failed, filtered (dropped by a rule), suppressed (the user is on the suppression list).',
    labels: ['source', 'type', 'outcome', 'code']
  },
  ...GOVERNANCE_METRICS,
  destinationEvents: {
    kind: 'counter',
    name: 'tributary_destination_events_total',
    help: 'Accepted events by destination: routed to its topic, or filtered by the first rule that said no (disabled, source, type, events, sample, consent, integrations); and failed: routed, but answered 503.',
    labels: ['destination', 'outcome', 'rule']
  },
  unknownIntegrations: {
    kind: 'counter',
    name: 'tributary_unknown_integrations_total',
    help: 'Names in integrations that are no destination of the configuration; they are ignored.',
    labels: ['source']
  },
  batchesRepaired: {
    kind: 'counter',
    name: 'tributary_batch_repaired_total',
    help: 'Batches that were accepted although they had stray commas or NULs between their events.',
    labels: ['source']
  },
  rejectedBodies: {
    kind: 'counter',
    name: 'tributary_rejected_bodies_total',
    help: 'Bodies that were refused as a whole, of requests with a known key: kept as a rejected record, duplicate (kept before), over_limit (REFUSED_BODIES_PER_HOUR is used up), failed (answered 503) or withheld (privacy rules forbid to keep it).',
    labels: ['source', 'outcome']
  },
  requestsRefused: {
    kind: 'counter',
    name: 'tributary_requests_refused_total',
    help: 'Requests refused before they were split into events, by code: no key, not JSON, too large.',
    labels: ['code']
  },
  ...OAUTH_METRICS,
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
    help: 'Bytes on disk that Kafka has not confirmed yet. With WORKERS also those of a worker that does not answer, and of folders of former workers; NaN if they cannot be read.',
    labels: []
  },
  spoolMaxBytes: {
    kind: 'gauge',
    name: 'tributary_spool_max_bytes',
    help: 'SPOOL_MAX_BYTES: what may wait for Kafka on disk.',
    merge: 'max',
    labels: []
  },
  relayedRecords: {
    kind: 'counter',
    name: 'tributary_relayed_records_total',
    help: 'Records that were late, and that Kafka has confirmed since.',
    labels: []
  },
  lateLanes: {
    kind: 'gauge',
    name: 'tributary_late_lanes',
    help: 'Topic-partitions whose events are written to disk because Kafka does not confirm them in time.',
    labels: []
  },
  laneMaxBytes: {
    kind: 'gauge',
    name: 'tributary_lane_max_bytes',
    help: 'The most bytes that all lanes together keep in memory. Beyond it, events on their way to Kafka are only on disk. tributary_queue_bytes is what they keep.',
    labels: []
  },
  kafkaThrottle: {
    kind: 'gauge',
    name: 'tributary_kafka_throttle_seconds',
    help: 'For so long a broker that applies a quota wants nothing from this server; 0 without a quota.',
    merge: 'max',
    labels: []
  },
  ready: {
    kind: 'gauge',
    name: 'tributary_ready',
    help: '1 while an event can be made durable.',
    merge: 'max',
    labels: []
  },
  dedupeIds: {
    kind: 'gauge',
    name: 'tributary_dedupe_ids',
    help: 'messageIds remembered, by source; bounded by DEDUP_MAX_IDS.',
    merge: 'max',
    labels: ['source']
  },
  dedupeMaxIds: {
    kind: 'gauge',
    name: 'tributary_dedupe_max_ids',
    help: 'DEDUP_MAX_IDS: how many messageIds are remembered for each source.',
    merge: 'first',
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
  },
  ...OPERATIONS_METRICS,
  ...TRACE_METRICS,
  ...WORKER_METRICS
} as const satisfies Record<string, MetricSpec>

export interface MetricSpec {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
  /** How a server with workers merges their values; default: their sum. */
  readonly merge?: 'sum' | 'max' | 'min' | 'first'
}
