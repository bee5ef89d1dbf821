import t from 'tap'
import { partitionOf } from '../../../../src/durability/kafka/encode/partition.ts'
import { eventRecord, readySink } from '../../../support/kafka-sink.ts'
import { startKafka } from '../../../support/kafka.ts'

const kafka = await startKafka({})
t.teardown(() => kafka.stop())

t.test(
  'while far more waits than one request to Kafka takes, the request has the oldest events of each partition, so that the oldest calls settle first',
  async t => {
    const topic = 'full-requests'
    const { sink, produced } = await readySink(t, kafka.brokers, { wanted: [topic] })
    const text = 'x'.repeat(1_200)
    const recordsStored = (): number => produced.reduce((sum, { records }) => sum + records, 0)
    // 4,000 records of about 1,300 bytes; a request takes 512 KiB of them.
    const calls = Array.from({ length: 40 }, async (_, call) => {
      const records = Array.from({ length: 100 }, (_, index) => {
        const messageId = `m${call}-${index}`
        return eventRecord({ messageId, key: `k${messageId}`, topics: [topic], properties: { text } })
      })
      await sink.publish(records)
      return recordsStored()
    })
    const storedWhenSettled = await Promise.all(calls)
    t.ok(produced.length > 8, `${produced.length} requests were sent`)
    t.ok((storedWhenSettled[0] ?? 0) < 500, `the first call settled when ${storedWhenSettled[0]} records were stored`)
    for (const [call, stored] of storedWhenSettled.entries()) {
      const before = (call + 1) * 100
      t.ok(stored < before + 900, `call ${call}, up to which there are ${before} records, settled after ${stored}`)
    }
  }
)

t.test('if a request has not room for a record of each partition, the next one begins where it ended', async t => {
  const [topic, partitions] = ['many-partitions', 60]
  const { sink, produced } = await readySink(t, kafka.brokers, {
    wanted: [topic],
    topics: { create: true, partitions }
  })
  const keys = Array.from({ length: partitions }, (_, partition) => keyFor(partition, partitions))
  const recordsStored = (): number => produced.reduce((sum, { records }) => sum + records, 0)
  async function call(name: string, text: string): Promise<number> {
    const records = keys.map(key =>
      eventRecord({ messageId: `${name}-${key}`, key, topics: [topic], properties: { text } })
    )
    await sink.publish(records)
    return recordsStored()
  }
  // The broker has set up each partition then.
  await call('first', '')
  produced.length = 0
  // Each call has a record for each partition; a request takes 17.
  const text = 'x'.repeat(30_000)
  const calls = Array.from({ length: 20 }, (_, index) => call(String(index), text))
  const storedWhenSettled = await Promise.all(calls)
  t.ok(produced.length > 60, `${produced.length} requests were sent`)
  for (const [call, stored] of storedWhenSettled.entries()) {
    const before = (call + 1) * partitions
    t.ok(stored < before + 50, `call ${call}, up to which there are ${before} records, settled after ${stored}`)
  }
})

function keyFor(partition: number, partitions: number): string {
  for (let number = 0; ; number++) {
    const key = Buffer.from(`user-${number}`)
    if (partitionOf(key, { start: 0, end: key.length }, partitions) === partition) return key.toString()
  }
}
