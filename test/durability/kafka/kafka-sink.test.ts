import t from 'tap'
import { isSinkUnavailable } from '../../../src/model/sink.ts'
import { eventRecord, readySink } from '../../support/kafka-sink.ts'
import { testRecord } from '../../support/records.ts'
import { createTopic, javaPartition, readTopic, startKafka, topicOffsets } from '../../support/kafka.ts'
import { placesOf } from '../../support/places.ts'

const kafka = await startKafka()
t.teardown(() => kafka.stop())
const { brokers } = kafka
let named = 0
const newTopic = (): string => `sink.${process.pid}.${++named}`

t.test("every record arrives once, with its key, value, headers, timestamp and Java's partition", async t => {
  const topic = newTopic()
  const { sink } = await readySink(t, brokers, { wanted: [topic] })
  const receivedAt = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
  const keys = ['user-1', 'Zoë', '用户', '👩‍🚀', 'x'.repeat(1_000)]
  const records = Array.from({ length: 50 }, (_, i) =>
    eventRecord({ messageId: `m${i}-é`, key: keys[i % 5], topics: [topic], receivedAt, properties: { i } })
  )
  await sink.publish(records)

  const read = await readTopic(brokers, topic, { count: 50 })
  t.equal(read.length, 50)
  for (const record of records) {
    const found = read.filter(({ headers }) => headers['messageId'] === record.messageId)
    t.equal(found.length, 1, record.messageId)
    t.match(found[0], { key: record.key, value: record.line.toString().trimEnd(), timestamp: receivedAt })
    t.equal(found[0]?.partition, javaPartition(record.key, 6))
    const iso = '2026-01-02T03:04:05.678Z'
    t.strictSame(found[0]?.headers, { type: 'track', source: 'web', messageId: record.messageId, receivedAt: iso })
  }
})

t.test('a rejected record has its code instead of a type, and no key if the event has none', async t => {
  const topic = newTopic()
  const { sink } = await readySink(t, brokers, { wanted: [topic] })
  const line = Buffer.from('{"event":null}\n')
  const common = { line, source: 'ios', messageId: 'bad', receivedAt: 1_700_000_000_000, key: '', topics: [topic] }
  await sink.publish([testRecord({ kind: 'rejected', code: 'invalid_json', ...common })])

  const [read] = await readTopic(brokers, topic, { count: 1 })
  t.equal(read?.key, null)
  const receivedAt = '2023-11-14T22:13:20.000Z'
  t.strictSame(read?.headers, { code: 'invalid_json', source: 'ios', messageId: 'bad', receivedAt })
})

t.test('a record goes to every topic that it names, and the receipt says where it was stored', async t => {
  const [events, amplitude] = [newTopic(), newTopic()]
  const { sink } = await readySink(t, brokers, { wanted: [events, amplitude] })
  const receipt = await sink.publish([
    eventRecord({ messageId: 'one', key: 'u', topics: [events] }),
    eventRecord({ messageId: 'both', key: 'u', topics: [events, amplitude] })
  ])

  t.strictSame(ids(await readTopic(brokers, events, { count: 2 })), ['one', 'both'])
  t.strictSame(ids(await readTopic(brokers, amplitude, { count: 1 })), ['both'])
  const partition = javaPartition('u', 6)
  const places = placesOf(receipt, 1).toSorted((a, b) => Number(b.offset) - Number(a.offset))
  t.strictSame(places, [
    { store: 'kafka', topic: events, partition, offset: '1' },
    { store: 'kafka', topic: amplitude, partition, offset: '0' }
  ])
})

t.test('records with the same key keep their order, whatever is published at the same time', async t => {
  const topic = newTopic()
  const { sink } = await readySink(t, brokers, { wanted: [topic] })
  const calls = Array.from({ length: 1_000 }, (_, i) => {
    const batch = i % 7 === 0 ? 5 : 1
    return Array.from({ length: batch }, (_, j) =>
      eventRecord({ messageId: `${i}.${j}`, key: `user-${i % 20}`, topics: [topic], properties: { at: i * 10 + j } })
    )
  })
  await Promise.all(calls.map(records => sink.publish(records)))

  const read = await readTopic(brokers, topic, { count: calls.flat().length })
  t.equal(new Set(ids(read)).size, calls.flat().length)
  t.equal(read.length, calls.flat().length)
  const last = new Map<string, number>()
  let disorder = 0
  for (const { key, value } of read) {
    const { at } = (JSON.parse(value) as { properties: { at: number } }).properties
    if (at < (last.get(key ?? '') ?? -1)) disorder++
    last.set(key ?? '', at)
  }
  t.equal(disorder, 0)
})

t.test('1,000 publishes at once need only a few produce requests', async t => {
  const topic = newTopic()
  const { sink, produced } = await readySink(t, brokers, { wanted: [topic] })
  const record = (i: number) => eventRecord({ messageId: `m${i}`, key: `k${i}`, topics: [topic] })
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => sink.publish([record(i)])))

  t.equal(
    produced.reduce((sum, { records }) => sum + records, 0),
    1_000
  )
  t.ok(produced.length <= 5, `${produced.length} requests were sent`)
  t.equal(sink.queuedBytes(), 0)
})

t.test(
  'a call that is larger than a request, or than a topic accepts at once, is split and stored completely',
  async t => {
    const topic = newTopic()
    await createTopic(brokers, topic, { partitions: 1, config: { 'max.message.bytes': '50000' } })
    const { sink, produced } = await readySink(t, brokers, { wanted: [topic] })
    const records = Array.from({ length: 200 }, (_, i) =>
      eventRecord({ messageId: `m${i}`, key: 'u', topics: [topic], properties: 'x'.repeat(2_000) })
    )
    const receipt = await sink.publish(records)

    t.strictSame(
      ids(await readTopic(brokers, topic, { count: 200 })),
      records.map(({ messageId }) => messageId)
    )
    t.ok(produced.length >= 9, `${produced.length} requests were sent`)
    t.match(placesOf(receipt, 199), [{ topic, partition: 0, offset: '199' }])
  }
)

t.test('an empty publish resolves', async t => {
  const { sink } = await readySink(t, brokers)
  t.strictSame(placesOf(await sink.publish([]), 0), [])
})

t.test('close stores what was published before, then refuses, and may be called twice', async t => {
  const topic = newTopic()
  const { sink } = await readySink(t, brokers, { wanted: [topic] })
  const publishes = Array.from({ length: 100 }, (_, i) =>
    sink.publish([eventRecord({ messageId: `m${i}`, key: `k${i}`, topics: [topic] })])
  )
  const closing = sink.close()
  await t.rejects(sink.publish([eventRecord({ messageId: 'late', topics: [topic] })]), { code: 'SINK_UNAVAILABLE' })
  await Promise.all([...publishes, closing, sink.close()])

  t.equal((await readTopic(brokers, topic, { count: 100 })).length, 100)
  t.match(sink.health(), { ready: false, problems: [/closing/] })
})

t.test('a sink whose queue is full refuses at once and keeps its queue', async t => {
  const topic = newTopic()
  const { sink } = await readySink(t, brokers, { wanted: [topic], maxQueueBytes: 100_000 })
  const record = (i: number) => eventRecord({ messageId: `m${i}`, topics: [topic], properties: 'x'.repeat(10_000) })
  const results = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => sink.publish([record(i)])))

  const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  t.ok(refused.length >= 15, `${refused.length} publishes were refused`)
  t.ok(refused.every(({ reason }) => isSinkUnavailable(reason)))
  const stored = (await topicOffsets(brokers, topic)).reduce((sum, { high }) => sum + high, 0)
  t.equal(stored, 30 - refused.length)
})

function ids(records: readonly { headers: Readonly<Record<string, string>> }[]): string[] {
  return records.map(({ headers }) => headers['messageId'] ?? '')
}
