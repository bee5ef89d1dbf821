import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { eventRecord, readySink } from '../../support/kafka-sink.ts'
import { startTraffic, verdict } from '../../support/kafka-traffic.ts'
import { startKafka } from '../../support/kafka.ts'
import { until } from '../../support/until.ts'

/** The default of PUBLISH_TIMEOUT. */
const PUBLISH_TIMEOUT_MS = 750

const kafka = await startKafka({})
t.teardown(() => kafka.stop())
t.afterEach(() => kafka.resume())

t.test(
  'if a broker hangs, publishes are rejected within 2 s, nothing confirmed is missing, and the sink recovers with the broker',
  async t => {
    const topic = 'hang'
    const { sink } = await readySink(t, kafka.brokers, { publishTimeoutMs: PUBLISH_TIMEOUT_MS, wanted: [topic] })
    const load = startTraffic(sink, topic)
    await until(() => load.acked.length > 100, { what: 'more than 100 acknowledged records' })

    kafka.pause()
    await sleep(3_000)
    t.match(sink.health(), { ready: false, problems: [/has not confirmed within 750 ms/] })
    const before = load.acked.length
    kafka.resume()
    await until(() => load.acked.length > before + 100, { what: 'publishes after the hang' })
    await load.stop()

    t.ok(load.rejected > 0, `${load.rejected} publishes were rejected`)
    t.ok(load.slowestRejection < 2_000, `the slowest rejection took ${Math.round(load.slowestRejection)} ms`)
    t.strictSame(await verdict(kafka, topic, load.acked), { missing: 0, duplicates: 0, disorder: 0 })
    t.strictSame(sink.health(), { ready: true, problems: [] })
  }
)

t.test('the same holds with a new producer if a broker hangs for longer than the time-out of an answer', async t => {
  const topic = 'long-hang'
  const { sink } = await readySink(t, kafka.brokers, {
    publishTimeoutMs: PUBLISH_TIMEOUT_MS,
    wanted: [topic],
    giveUpMs: 1_000
  })
  const load = startTraffic(sink, topic)
  await until(() => load.acked.length > 100, { what: 'more than 100 acknowledged records' })

  kafka.pause()
  await sleep(4_000)
  const before = load.acked.length
  kafka.resume()
  await until(() => load.acked.length > before + 100, { what: 'publishes after the hang' })
  await load.stop()

  t.ok(load.slowestRejection < 2_000, `the slowest rejection took ${Math.round(load.slowestRejection)} ms`)
  t.strictSame(await verdict(kafka, topic, load.acked), { missing: 0, duplicates: 0, disorder: 0 })
})

t.test('close is quick while Kafka does not answer', async t => {
  const { sink } = await readySink(t, kafka.brokers, { publishTimeoutMs: PUBLISH_TIMEOUT_MS, wanted: ['hang'] })
  kafka.pause()
  const refused = t.rejects(sink.publish([eventRecord({ messageId: 'a', topics: ['hang'] })]), {
    code: 'SINK_UNAVAILABLE'
  })
  const startedAt = performance.now()
  await sink.close()
  t.ok(performance.now() - startedAt < 1_500)
  await refused
})
