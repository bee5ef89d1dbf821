import type { Test } from 'tap'
import { createKafkaSink, type KafkaSink } from '../../src/durability/kafka/kafka-sink.ts'
import type { KafkaSinkOptions, Produced } from '../../src/durability/kafka/options.ts'
import { testRecord, type TestRecord } from './records.ts'
import { until } from './until.ts'

/** An accepted event in the form that the pipeline passes on; `properties` become the line. */
export function eventRecord(
  parts: { readonly messageId: string; readonly topics: readonly string[] } & Partial<{
    readonly key: string | undefined
    readonly receivedAt: number
    readonly properties: unknown
  }>
): TestRecord {
  const { messageId, topics, key = '', receivedAt = Date.now(), properties = {} } = parts
  const line = Buffer.from(`${JSON.stringify({ type: 'track', messageId, properties })}\n`)
  return testRecord({ line, messageId, receivedAt, key, topics })
}

export interface WatchedSink {
  readonly sink: KafkaSink
  /** Every confirmed produce request. */
  readonly produced: Produced[]
  readonly logged: string[]
}

/** On a busy machine, a slow broker must not look like one that hangs. */
const PUBLISH_TIMEOUT_MS = 10_000

/** A sink for tests that is closed with the test. Resolves when `topics` were looked up. */
export async function readySink(
  t: Test,
  brokers: readonly string[],
  options: Partial<KafkaSinkOptions> & { readonly wanted?: readonly string[] } = {}
): Promise<WatchedSink> {
  const watched = startSink(t, brokers, options)
  await until(() => watched.sink.health().ready, { what: 'the sink to be ready', timeoutMs: 30_000 })
  return watched
}

/** As readySink(), without waiting for Kafka. */
export function startSink(
  t: Test,
  brokers: readonly string[],
  options: Partial<KafkaSinkOptions> & { readonly wanted?: readonly string[] } = {}
): WatchedSink {
  const { wanted = [], ...overrides } = options
  const produced: Produced[] = []
  const logged: string[] = []
  const log = (message: string): void => void logged.push(message)
  const sink = createKafkaSink({
    brokers,
    clientId: 'tributary-test',
    topics: { create: true, partitions: 6 },
    publishTimeoutMs: PUBLISH_TIMEOUT_MS,
    onProduced: request => produced.push(request),
    log: { info: log, warn: log, error: log },
    ...overrides
  })
  sink.ensureTopics(wanted)
  t.teardown(() => sink.close())
  return { sink, produced, logged }
}
