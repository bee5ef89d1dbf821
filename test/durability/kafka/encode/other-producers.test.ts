/** The table of producers in docs/kafka.md: what other teams' libraries do with the keys that the server writes. */
import t from 'tap'
import { byLibrdkafka, keyedProducers } from '../../../support/clusters/keyed-producers.ts'
import { eventRecord, readySink } from '../../../support/kafka-sink.ts'
import { createTopic, readTopic, startKafka, topicOffsets } from '../../../support/kafka.ts'

const KEYS = Array.from({ length: 60 }, (_, at) => [`user-${at}`, `Zoë-${at}`, `用户${at}`, `👩‍🚀${at}`]).flat()

const { brokers, stop } = await startKafka()
t.teardown(() => stop())
const producers = await keyedProducers(t, brokers)

let named = 0
async function newTopic(partitions: number): Promise<string> {
  const topic = `profiles.${process.pid}.${++named}`
  await createTopic(brokers, topic, { partitions })
  // A producer that writes before the broker has set up each partition may wait two minutes for the others.
  await topicOffsets(brokers, topic)
  return topic
}

async function partitionsOf(topic: string): Promise<Map<string | null, number>> {
  const read = await readTopic(brokers, topic, { count: KEYS.length })
  return new Map(read.map(({ key, partition }) => [key, partition]))
}

async function serversPartitions(partitions: number): Promise<Map<string | null, number>> {
  const topic = await newTopic(partitions)
  const { sink } = await readySink(t, brokers, { wanted: [topic] })
  await sink.publish(KEYS.map(key => eventRecord({ messageId: `of ${key}`, key, topics: [topic] })))
  return partitionsOf(topic)
}

const servers = [
  { partitions: 6, ours: await serversPartitions(6) },
  { partitions: 8, ours: await serversPartitions(8) }
]

for (const { partitions, ours } of servers) {
  for (const [name, produce] of producers) {
    t.test(`${name} puts each key on the server's partition, of ${partitions}`, async t => {
      const topic = await newTopic(partitions)
      await produce(topic, KEYS)
      const theirs = await partitionsOf(topic)
      t.equal(theirs.size, KEYS.length, 'each key is in the topic')
      const elsewhere = KEYS.filter(key => theirs.get(key) !== ours.get(key))
      t.strictSame(elsewhere, [], 'no key is on another partition')
    })
  }
}

t.test("librdkafka's own partitioner puts most keys on other partitions, so that it needs the setting", async t => {
  const topic = await newTopic(6)
  await byLibrdkafka(brokers)(topic, KEYS)
  const theirs = await partitionsOf(topic)
  const same = KEYS.filter(key => theirs.get(key) === servers[0]?.ours.get(key))
  t.equal(theirs.size, KEYS.length, 'each key is in the topic')
  t.ok(same.length < KEYS.length / 3, `${same.length} of ${KEYS.length} keys are on the server's partition`)
})
