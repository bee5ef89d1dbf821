/**
 * The names of OpenTelemetry's semantic conventions, version 1.45.0. Those of messaging and Kafka are in development and
 * stand in no stable entry point of its package, which asks for such a copy.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and ../messaging/kafka/
 */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.45.0'

export const HTTP = {
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
  path: 'url.path',
  scheme: 'url.scheme',
  error: 'error.type'
} as const

export const MESSAGING = {
  system: 'messaging.system.name',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  batchCount: 'messaging.batch.message_count',
  messageId: 'messaging.message.id',
  offset: 'kafka.offset'
} as const

/** Names of our own. */
export const TRIBUTARY = {
  source: 'tributary.source',
  events: 'tributary.events.received',
  outcomes: 'tributary.events',
  type: 'tributary.event.type',
  outcome: 'tributary.outcome',
  code: 'tributary.code',
  store: 'tributary.store',
  topics: 'tributary.topics',
  records: 'tributary.records'
} as const
