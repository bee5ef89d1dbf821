import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { eventRecord, readySink } from '../../support/kafka-sink.ts'
import { readTopic, startKafka } from '../../support/kafka.ts'

const kafka = await startKafka({ properties: { 'connections.max.idle.ms': '1500' } })
t.teardown(() => kafka.stop())

t.test('connections that the broker closed because they were idle do not lose the next event', async t => {
  const topic = 'idle'
  const { sink } = await readySink(t, kafka.brokers, { wanted: [topic] })
  for (const messageId of ['1', '2', '3']) {
    await sink.publish([eventRecord({ messageId, topics: [topic] })])
    await sleep(2_500)
    t.strictSame(sink.health(), { ready: true, problems: [] })
  }
  const startedAt = performance.now()
  await sink.publish([eventRecord({ messageId: '4', topics: [topic] })])
  t.ok(performance.now() - startedAt < 500)
  t.equal((await readTopic(kafka.brokers, topic, { count: 4 })).length, 4)
})
