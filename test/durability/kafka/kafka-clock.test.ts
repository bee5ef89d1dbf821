import t from 'tap'
import { eventRecord, readySink } from '../../support/kafka-sink.ts'
import { readTopic, startKafka } from '../../support/kafka.ts'

const HOUR_MS = 3_600_000

t.test(
  'events of a clock that is hours ahead are delivered in order, without a timestamp that the broker refuses',
  async t => {
    const kafka = await startKafka({})
    t.teardown(() => kafka.stop())
    const topic = 'ahead'
    const { sink, logged } = await readySink(t, kafka.brokers, { wanted: [topic] })
    const ahead = Date.now() + 2 * HOUR_MS
    await sink.publish([
      eventRecord({ messageId: 'before', key: 'u', topics: [topic] }),
      eventRecord({ messageId: 'ahead', key: 'u', topics: [topic], receivedAt: ahead })
    ])
    await sink.publish([eventRecord({ messageId: 'behind', key: 'u', topics: [topic] })])
    const read = await readTopic(kafka.brokers, topic, { count: 3 })
    t.strictSame(
      read.map(({ headers }) => headers['messageId']),
      ['before', 'ahead', 'behind']
    )
    t.equal(read[1]?.headers['receivedAt'], new Date(ahead).toISOString(), 'the time of receipt is kept')
    t.equal(logged.filter(line => /compare the clocks/.test(line)).length, 1, 'the problem is logged once')
    t.ok(sink.health().ready)
  }
)
