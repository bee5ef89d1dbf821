import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { ClusterClient } from '../../../../src/durability/kafka/connect/cluster-client.ts'
import { clientOptions } from '../../../../src/durability/kafka/connect/session.ts'
import type { KafkaSink } from '../../../../src/durability/kafka/kafka-sink.ts'
import { withDefaults } from '../../../../src/durability/kafka/options.ts'
import { RefusedRecords } from '../../../../src/durability/kafka/send/refused-records.ts'
import { TopicMetadata } from '../../../../src/durability/kafka/topics/topics.ts'
import { eventRecord, readySink, startSink } from '../../../support/kafka-sink.ts'
import {
  configureTopic,
  createTopic,
  deleteTopic,
  readTopic,
  startKafka,
  topicOffsets
} from '../../../support/kafka.ts'
import { until } from '../../../support/until.ts'

const kafka = await startKafka()
t.teardown(() => kafka.stop())
const { brokers } = kafka
let named = 0
/** The client reports each call here. */
const CREATIONS = 'tracing:plt:kafka:admin:topics:start'
const newTopic = (): string => `topics.${process.pid}.${++named}`

t.test('a missing topic is created with the configured number of partitions', async t => {
  const topic = newTopic()
  await readySink(t, brokers, { wanted: [topic], topics: { create: true, partitions: 3, replicationFactor: 1 } })
  t.equal((await topicOffsets(brokers, topic)).length, 3)
})

t.test('two look-ups at the same time that find a topic missing log once that it was created', async t => {
  const topic = newTopic()
  const logged: string[] = []
  const line = (message: string): void => void logged.push(message)
  const log = { info: line, warn: line, error: line }
  const settings = withDefaults({ brokers, clientId: 'twice', topics: { create: true, partitions: 3 }, log })
  const client = new ClusterClient(clientOptions(settings))
  t.teardown(() => client.abandon())
  await client.newProducer()
  const metadata = new TopicMetadata(settings)
  metadata.want([topic])
  await Promise.all([metadata.check(client, [topic]), metadata.check(client)])
  t.strictSame(logged, [`Kafka topic ${topic} created with 3 partitions`])
  t.equal(metadata.usable.get(topic)?.leaders.length, 3)
})

t.test(
  'all topics that are missing at a start are created in one request, however many destinations there are',
  async t => {
    const asked: string[][] = []
    const onStart = (context: unknown): void => {
      const { operation, options } = context as { operation: string; options: { topics: { topic: string }[] } }
      if (operation === 'createTopics') asked.push(options.topics.map(({ topic }) => topic).toSorted())
    }
    subscribe(CREATIONS, onStart)
    t.teardown(() => unsubscribe(CREATIONS, onStart))
    const wanted = Array.from({ length: 20 }, newTopic).toSorted()
    const { sink, logged } = await readySink(t, brokers, { wanted })
    t.strictSame(asked, [wanted])
    t.strictSame(sink.health().problems, [])
    for (const topic of wanted) t.ok(logged.includes(`Kafka topic ${topic} created with 6 partitions`))
    await sink.publish([eventRecord({ messageId: 'all', topics: wanted })])
  }
)

t.test('if Kafka refuses one of several missing topics, the others are created', async t => {
  const [first, second] = [newTopic(), newTopic()]
  const { sink, logged } = await readySink(t, brokers, { wanted: [first, 'no spaces!', second] })
  t.strictSame(sink.health(), { ready: true, problems: ['topic no spaces!: Kafka does not allow this name'] })
  for (const topic of [first, second]) {
    t.ok(logged.includes(`Kafka topic ${topic} created with 6 partitions`))
    t.equal((await topicOffsets(brokers, topic)).length, 6)
  }
})

t.test('servers that start together may request the same topics, and all of them become ready', async t => {
  const wanted = Array.from({ length: 5 }, newTopic)
  const sinks = await Promise.all(Array.from({ length: 4 }, () => readySink(t, brokers, { wanted })))
  for (const { sink } of sinks) t.strictSame(sink.health().problems, [])
  for (const topic of wanted) {
    const made = sinks.flatMap(({ logged }) => logged).filter(line => line.includes(`${topic} created`))
    t.ok(made.length <= 1, 'at most one server logs that it created the topic')
  }
})

t.test('a topic that a record names for the first time is created then, and no record overtakes another', async t => {
  const [known, fresh] = [newTopic(), newTopic()]
  const { sink } = await readySink(t, brokers, { wanted: [known] })
  await Promise.all([
    sink.publish([eventRecord({ messageId: '1', key: 'u', topics: [known] })]),
    sink.publish([eventRecord({ messageId: '2', key: 'u', topics: [known, fresh] })]),
    sink.publish([eventRecord({ messageId: '3', key: 'u', topics: [known] })])
  ])
  t.strictSame(ids(await readTopic(brokers, known)), ['1', '2', '3'])
  t.strictSame(ids(await readTopic(brokers, fresh)), ['2'])
})

t.test('if topics may not be created, a missing topic is named, refused alone, and used once it exists', async t => {
  const [good, missing] = [newTopic(), newTopic()]
  await createTopic(brokers, good)
  const { sink } = await readySink(t, brokers, { wanted: [good, missing], topics: { create: false, partitions: 6 } })
  t.match(sink.health(), {
    ready: true,
    problems: [`topic ${missing}: it does not exist and KAFKA_CREATE_TOPICS is off: create it`]
  })

  const refused = sink.publish([eventRecord({ messageId: 'a', topics: [good, missing] })])
  await t.rejects(refused, { code: 'SINK_UNAVAILABLE', message: new RegExp(missing) })
  await sink.publish([eventRecord({ messageId: 'b', topics: [good] })])

  await createTopic(brokers, missing)
  await until(() => sink.health().problems.length === 0, { what: 'the topic to be found' })
  await sink.publish([eventRecord({ messageId: 'c', topics: [missing] })])
  t.strictSame(ids(await readTopic(brokers, missing)), ['c'])
})

t.test(
  'a name that Kafka does not allow is a readable problem, and the sink is not ready if it has no other topic',
  async t => {
    const { sink } = startSink(t, brokers, { wanted: ['no spaces!'] })
    await until(() => sink.health().problems.some(line => line.startsWith('topic ')), {
      what: 'the problem to be reported'
    })
    t.strictSame(sink.health(), { ready: false, problems: ['topic no spaces!: Kafka does not allow this name'] })
  }
)

t.test('an invalid name in a record rejects only that publish', async t => {
  const topic = newTopic()
  const { sink } = await readySink(t, brokers, { wanted: [topic] })
  const bad = sink.publish([eventRecord({ messageId: 'bad', topics: ['not allowed!'] })])
  const good = sink.publish([eventRecord({ messageId: 'good', topics: [topic] })])
  await t.rejects(bad, { code: 'SINK_UNAVAILABLE', message: /not allowed!/ })
  await good
  t.strictSame(ids(await readTopic(brokers, topic)), ['good'])
})

const big = 'x'.repeat(30_000)

t.test('a record that is too large for its topic is refused alone, and its neighbours are stored once', async t => {
  const topic = newTopic()
  await createTopic(brokers, topic, { config: { 'max.message.bytes': '20000' } })
  const { sink } = await readySink(t, brokers, { wanted: [topic] })
  const others = Array.from({ length: 50 }, (_, i) =>
    sink.publish([eventRecord({ messageId: `n${i}`, key: `${i}`, topics: [topic] })])
  )
  const error: unknown = await sink
    .publish([
      eventRecord({ messageId: 'before', topics: [topic] }),
      eventRecord({ messageId: 'big', topics: [topic], properties: big }),
      eventRecord({ messageId: 'after', topics: [topic] })
    ])
    .then(
      () => undefined,
      (cause: unknown) => cause
    )
  await Promise.all(others)

  t.ok(error instanceof RefusedRecords)
  t.match(error, { refusals: [{ index: 1, topic, reason: /max\.message\.bytes/ }] })
  const stored = ids(await readTopic(brokers, topic, { count: 52 }))
  t.strictSame(new Set(stored).size, 52)
  t.equal(stored.length, 52)
  t.notOk(stored.includes('big'))
})

t.test('if only the broker knows its limit, the record that exceeds it is found and refused alone', async t => {
  const topic = newTopic()
  const { sink } = await readySink(t, brokers, { wanted: [topic] })
  await configureTopic(brokers, topic, { 'max.message.bytes': '20000' })
  await until(() => everyPartitionRefuses(sink, topic), { what: 'the new limit to be in force' })
  const records = Array.from({ length: 64 }, (_, i) =>
    eventRecord({ messageId: `m${i}`, key: `${i}`, topics: [topic], properties: i === 41 ? big : 'small' })
  )
  const results = await Promise.allSettled([
    ...records.slice(0, 40).map(record => sink.publish([record])),
    sink.publish(records.slice(40))
  ])

  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 40)
  t.match(results[40], { reason: { code: 'SINK_REFUSED_RECORD', refusals: [{ index: 1, topic }] } })
  const read = await readTopic(brokers, topic, { count: 63 })
  const stored = ids(read).filter(id => id.startsWith('m'))
  t.equal(stored.length, 63, 'no record is stored twice')
  t.equal(new Set(stored).size, 63)
})

/** Whether the broker refuses a large record in each of the partitions that these keys go to. */
async function everyPartitionRefuses(sink: KafkaSink, topic: string): Promise<boolean> {
  const probes = Array.from({ length: 30 }, (_, i) =>
    eventRecord({ messageId: `probe${i}`, key: `${i}`, topics: [topic], properties: big })
  )
  const error: unknown = await sink.publish(probes).catch((cause: unknown) => cause)
  return error instanceof RefusedRecords && error.refusals.length === probes.length
}

function ids(records: readonly { headers: Readonly<Record<string, string>> }[]): string[] {
  return records.map(({ headers }) => headers['messageId'] ?? '')
}

t.test('if one of several topics was deleted, every message names this topic and no other', async t => {
  const base = newTopic()
  const [first, gone, last] = [`${base}.a`, `${base}.m`, `${base}.z`]
  for (const topic of [first, gone, last]) await createTopic(brokers, topic, { partitions: 1 })
  const options = { wanted: [first, gone, last], topics: { create: false, partitions: 1 } }
  const { sink, logged } = await readySink(t, brokers, options)
  const publish = () => sink.publish([eventRecord({ messageId: 'm', topics: [last, gone, first] })])
  await publish()
  await deleteTopic(brokers, gone)
  const said: string[] = []
  const isSettled = async (): Promise<boolean> => {
    const { message } = (await publish().then(
      () => new Error(''),
      (error: unknown) => error
    )) as Error
    said.push(message, ...sink.health().problems)
    return message.includes('KAFKA_CREATE_TOPICS is off')
  }
  await until(isSettled, { what: 'the sink to find that the topic is missing', timeoutMs: 30_000 })
  const about = [...said, ...logged].filter(line => line.includes(base))
  t.ok(about.length > 0)
  t.same(
    about.filter(line => !line.includes(gone) || line.includes(first) || line.includes(last)),
    []
  )
})
