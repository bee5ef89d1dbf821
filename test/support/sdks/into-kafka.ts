import type { Test } from 'tap'
import { EVENT_TYPES, type EventType } from '../../../src/model/event-types.ts'
import { post, startApp } from '../app.ts'
import { startKafka } from '../kafka.ts'
import { readySink } from '../kafka-sink.ts'
import { readTopic, type ReadRecord } from '../kafka-topics.ts'
import { until } from '../until.ts'
import { openGate, type Gate } from './gate.ts'
import { createOutageSink } from './outage.ts'
import type { SdkRun, SdkTarget } from './run.ts'

export const PARTITIONS = 6
const DRAINED = 'wk_drained'
const DELIVERY_TIMEOUT_MS = 60_000
const TROUBLES = [503, 429] as const

export interface SentIntoKafka {
  readonly serverUrl: string
  /** The write key of a source in this run. */
  keyOf(source: string): string
  /** All accepted events, as another client reads them back. */
  readonly records: readonly ReadRecord[]
  /** The requests and answers between each SDK and the server, by source. */
  readonly gates: ReadonlyMap<string, Gate>
  /** The markers of the calls of an SDK, with their types. */
  expectedOf(sdk: SdkRun): Map<string, EventType>
}

/**
 * Runs SDKs against the real server and a real Kafka, each behind its own gate, and reads back what arrived.
 *
 * @param options.run runs the SDKs, each with `send`, which resolves when the SDK has finished
 */
export async function sendIntoKafka(
  t: Test,
  sdks: readonly SdkRun[],
  options: { readonly run: (send: (sdk: SdkRun) => Promise<void>) => Promise<unknown> }
): Promise<SentIntoKafka> {
  const markerOfRun = `m${Date.now()}`
  const kafka = await startKafka()
  t.teardown(() => kafka.stop())
  const topics = { EVENTS_TOPIC: `sdks.${markerOfRun}`, REJECTED_TOPIC: `sdks.rejected.${markerOfRun}` }
  const { sink: kafkaSink } = await readySink(t, kafka.brokers, {
    wanted: Object.values(topics),
    publishTimeoutMs: 5_000,
    topics: { create: true, partitions: PARTITIONS }
  })
  const sink = createOutageSink(kafkaSink)
  // A fixed clock for the rate limiter: what is used up stays used up.
  const clock = { now: () => Date.now(), monotonic: () => 0 }
  // The Kotlin SDK stores unsent events in /tmp, by write key, and sends them in its next run.
  const keyOf = (source: string): string => `wk_${source}_${markerOfRun}`
  const { url } = await startApp(t, { config: configOf(sdks, keyOf), env: topics, sink, clock })
  const drain = () => post(`${url}/v1/track`, { writeKey: DRAINED, userId: 'u', event: 'one too many' }, {})
  await until(async () => (await drain()).status === 429, { what: 'a 429 because of the rate limit' })

  const gates = new Map<string, Gate>()
  const send = async ({ source, send, troubles = TROUBLES }: SdkRun): Promise<void> => {
    const gate = await openGate(t, { url, failNext: () => sink.failNext(source), drainedKey: DRAINED, troubles })
    gates.set(source, gate)
    const delivered: SdkTarget['delivered'] = count =>
      until(() => sink.stored(source) >= count, {
        what: `${count} events of ${source}`,
        timeoutMs: DELIVERY_TIMEOUT_MS,
        seen: () => `${sink.stored(source)} stored; passed: ${JSON.stringify(gate.passed)}`
      })
    await send({ url: gate.url, writeKey: keyOf(source), marker: `${markerOfRun}-${source}`, delivered })
  }
  await options.run(send)

  return {
    serverUrl: url,
    keyOf,
    records: await readTopic(kafka.brokers, topics.EVENTS_TOPIC),
    gates,
    expectedOf({ source, types = EVENT_TYPES, extra = {} }) {
      const calls = [...types.map(type => [type, type] as const), ...Object.entries(extra)]
      return new Map(calls.map(([end, type]) => [`${markerOfRun}-${source}-${end}`, type]))
    }
  }
}

function configOf(sdks: readonly SdkRun[], keyOf: (source: string) => string): string {
  return `
sources:
${sdks.map(({ source }) => `  - { id: ${source}, writeKeys: [${keyOf(source)}] }`).join('\n')}
  - { id: drained, writeKeys: [${DRAINED}], rateLimit: { requestsPerSecond: 1 } }
`
}

/**
 * The marker of an event, in whichever member its call has. RudderStack's SDK for Python puts the traits of `identify`
 * into `context.traits`.
 */
export function markerOf(value: Record<string, unknown>): unknown {
  const { type, previousId, properties, traits, context } = value
  if (type === 'alias') return previousId
  const own = properties ?? traits ?? (context as { traits?: unknown } | undefined)?.traits
  return (own as Record<string, unknown> | undefined)?.['marker']
}

/** How many of the expected events Kafka has exactly once. */
export function countOnce(
  records: readonly ReadRecord[],
  source: string,
  expected: ReadonlyMap<string, unknown>
): number {
  const found = records.filter(({ headers }) => headers['source'] === source)
  const markers = found.map(({ value }) => markerOf(JSON.parse(value) as Record<string, unknown>))
  return [...expected.keys()].filter(marker => markers.filter(each => each === marker).length === 1).length
}
