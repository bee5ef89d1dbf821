import t from 'tap'
import { eventRecord, readySink, startSink } from '../../support/kafka-sink.ts'
import { startTraffic, verdict } from '../../support/kafka-traffic.ts'
import { readTopic, startKafka } from '../../support/kafka.ts'
import { until } from '../../support/until.ts'

const kafka = await startKafka({})
t.teardown(() => kafka.stop())

t.test(
  'if a broker is killed and started again, nothing confirmed is missing, out of order or stored twice',
  async t => {
    const topic = 'killed'
    const { sink } = await readySink(t, kafka.brokers, { wanted: [topic] })
    const load = startTraffic(sink, topic)
    await until(() => load.acked.length > 100, { what: 'more than 100 acknowledged records' })

    await kafka.kill('SIGKILL')
    await until(() => !sink.health().ready, { what: 'the sink to be unready' })
    t.match(sink.health().problems, [/KAFKA_BROKERS/])
    await kafka.restart()
    const before = load.acked.length
    await until(() => load.acked.length > before + 100, { what: 'publishes after the restart', timeoutMs: 20_000 })
    await load.stop()

    t.ok(load.slowestRejection < 2_000, `the slowest rejection took ${Math.round(load.slowestRejection)} ms`)
    t.strictSame(await verdict(kafka, topic, load.acked), { missing: 0, duplicates: 0, disorder: 0 })
  }
)

t.test(
  'the sink waits for a Kafka that starts later, and notices a Kafka that stops while the sink is idle',
  async t => {
    await kafka.kill('SIGKILL')
    const { sink, logged } = startSink(t, kafka.brokers, { wanted: ['later'] })
    await until(() => sink.health().problems.some(line => line.includes('refuses connections')), {
      what: 'the sink to report that Kafka refuses connections'
    })
    await t.rejects(sink.publish([eventRecord({ messageId: 'early', topics: ['later'] })]), {
      code: 'SINK_UNAVAILABLE'
    })

    await kafka.restart()
    await until(() => sink.health().ready, { what: 'the sink to be ready' })
    await sink.publish([eventRecord({ messageId: 'first', topics: ['later'] })])
    t.equal((await readTopic(kafka.brokers, 'later')).length, 1)
    t.ok(logged.length <= 6, `each problem is logged once: ${logged.join('; ')}`)

    await kafka.kill('SIGKILL')
    await until(() => !sink.health().ready, { what: 'the sink to be unready', timeoutMs: 2_000 })
  }
)
