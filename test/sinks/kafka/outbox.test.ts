import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { messageIdOf } from '../../../src/model/record.ts'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { createOutbox, type Outbox } from '../../../src/sinks/kafka/outbox.ts'
import type { KafkaRequest } from '../../../src/sinks/kafka/request.ts'
import { javaPartition } from '../../support/java-partition.ts'
import { eventRecord } from '../../support/kafka-sink.ts'
import { placesOf } from '../../support/places.ts'

const topics = new Map([
  ['a', { partitions: 6, maxBytes: 100_000 }],
  ['b', { partitions: 6, maxBytes: 1_000 }]
])
const record = (messageId: string, names: readonly string[] = ['a'], size = 100) =>
  eventRecord({ messageId, key: 'u', topics: names, properties: 'x'.repeat(size) })
const sizes = (requests: readonly KafkaRequest[]) => requests.map(({ messages }) => messages.length)
/** All that waits, as so many requests as it takes. */
function* requestsOf(outbox: Outbox): Generator<KafkaRequest> {
  for (let next = outbox.gather(topics); next.messages.length > 0; next = outbox.gather(topics)) yield next
}

t.test('a request holds what fits in it, and a record that is larger than a request goes alone', async t => {
  const outbox = createOutbox({ maxRequestBytes: 2_000 })
  void outbox.add([record('1'), record('2', ['a'], 5_000), record('3'), record('4')])
  const requests = [outbox.gather(topics), outbox.gather(topics), outbox.gather(topics), outbox.gather(topics)]
  t.strictSame(sizes(requests), [1, 1, 2, 0])
})

t.test('a request never holds more for a topic than the topic takes in one batch', async t => {
  const outbox = createOutbox({ maxRequestBytes: 1_000_000 })
  void outbox.add(Array.from({ length: 10 }, (_, i) => record(`${i}`, ['b'])))
  const batches = [outbox.gather(topics), outbox.gather(topics), outbox.gather(topics)]
  t.ok(
    sizes(batches).every(size => size > 0 && size < 5),
    String(sizes(batches))
  )
})

t.test('a record of an unknown topic holds back what is behind it', async t => {
  const outbox = createOutbox({ maxRequestBytes: 1_000_000 })
  void outbox.add([record('1')])
  void outbox.add([record('2', ['new'])])
  void outbox.add([record('3')])
  t.equal(outbox.gather(topics).messages.length, 1)
  t.equal(outbox.gather(topics).messages.length, 0)
  t.strictSame(outbox.headTopics(), ['new'])
  t.equal(outbox.gather(new Map([...topics, ['new', { partitions: 1, maxBytes: 10_000 }]])).messages.length, 2)
})

t.test('a call resolves when all its records are confirmed, in whatever requests they went', async t => {
  const outbox = createOutbox({ maxRequestBytes: 500 })
  let resolved = false
  const call = outbox.add([record('1'), record('2')]).then(() => (resolved = true))
  const [first, second] = [outbox.gather(topics), outbox.gather(topics)]
  outbox.confirm({ messages: first.messages, offsets: new Map() })
  await Promise.resolve()
  t.notOk(resolved)
  outbox.confirm({ messages: second.messages, offsets: new Map() })
  await call
  t.equal(outbox.bytes(), 0)
  t.equal(outbox.oldest(), undefined)
})

t.test('rejecting rejects every open call in its order; a later confirmation changes nothing', async t => {
  const outbox = createOutbox({ maxRequestBytes: 500 })
  const order: string[] = []
  const calls = ['1', '2', '3'].map(id => outbox.add([record(id)]).catch(() => order.push(id)))
  const sent = outbox.gather(topics)
  outbox.rejectAll(new SinkUnavailable('down'))
  outbox.confirm({ messages: sent.messages, offsets: new Map() })
  await Promise.all(calls)
  t.strictSame(order, ['1', '2', '3'])
  t.equal(outbox.bytes(), 0)
  t.equal(outbox.gather(topics).messages.length, 0)
})

t.test('a record too large for one of its topics is refused there, and told with its position', async t => {
  const outbox = createOutbox({ maxRequestBytes: 1_000_000 })
  const call = outbox.add([record('1'), record('2', ['a', 'b'], 2_000), record('3')])
  const refused = t.rejects(call, {
    code: 'SINK_REFUSED_RECORD',
    refusals: [{ index: 1, topic: 'b', reason: /max\.message\.bytes/ }]
  })
  const requests = [outbox.gather(topics), outbox.gather(topics)]
  const sent = requests.flatMap(({ messages }) => messages).map(({ batch, index }) => `${index}${batch.topic}`)
  t.strictSame(sent, ['0a', '1a', '2a'])
  for (const { messages } of requests) outbox.confirm({ messages, offsets: new Map() })
  await refused
})

t.test('thousands of calls that never leave the queue empty do not make it grow', async t => {
  const outbox = createOutbox({ maxRequestBytes: 20_000 })
  const calls: Promise<unknown>[] = []
  for (let i = 0; i < 5_000; i++) {
    calls.push(outbox.add([record(`${i}`)]), outbox.add([record(`${i}b`)]))
    if (i % 20 === 19) outbox.confirm({ messages: outbox.gather(topics).messages, offsets: new Map() })
  }
  for (const { messages } of requestsOf(outbox)) outbox.confirm({ messages, offsets: new Map() })
  await Promise.all(calls)
  t.equal(outbox.bytes(), 0)
})

t.test('a request has its records by partition too, each partition once, in their order', async t => {
  const outbox = createOutbox({ maxRequestBytes: 1_000_000 })
  const keyed = (messageId: string, key: string) =>
    eventRecord({ messageId, key, topics: messageId === '3' ? ['b', 'a'] : ['a'] })
  void outbox.add([keyed('1', 'u'), keyed('2', 'v'), keyed('3', 'u')])
  void outbox.add([keyed('4', 'v')])
  const { messages, batches } = outbox.gather(topics)
  const [u, v] = [javaPartition('u', 6), javaPartition('v', 6)]
  t.not(u, v)
  t.strictSame(
    batches.map(({ topic, partition, records }) => [
      topic,
      partition,
      records.map(({ record }) => messageIdOf(record))
    ]),
    [
      ['a', u, ['1', '3']],
      ['a', v, ['2', '4']],
      ['b', u, ['3']]
    ]
  )
  t.strictSame(
    messages.map(({ value }) => messageIdOf(value.record)),
    ['1', '2', '3', '3', '4']
  )
})

t.test('a receipt says where each record is: counted in its partition, over all the requests of the call', async t => {
  const outbox = createOutbox({ maxRequestBytes: 1_100 })
  const before = outbox.add([record('0')])
  const call = outbox.add([record('1', ['a', 'b']), record('2'), record('3', ['b', 'a'])])
  const offsets = (from: bigint) => new Map(['a', 'b'].map(topic => [topic, new Map([[partition, from]])]))
  const partition = javaPartition('u', 6)
  let requests = 0
  for (const { messages } of requestsOf(outbox)) {
    outbox.confirm({ messages, offsets: offsets(BigInt(++requests * 100)) })
  }
  const [, receipt] = await Promise.all([before, call])
  const at = (topic: string, offset: string) => ({ store: 'kafka', topic, partition, offset })
  t.equal(requests, 2)
  t.strictSame(
    [0, 1, 2, 3].map(index => placesOf(receipt, index)),
    [[at('a', '101'), at('b', '100')], [at('a', '200')], [at('b', '200'), at('a', '201')], []]
  )
})

t.test('a receipt without offsets still tells topic and partition', async t => {
  const outbox = createOutbox({ maxRequestBytes: 700 })
  const call = outbox.add([record('1')])
  outbox.confirm({ messages: outbox.gather(topics).messages, offsets: new Map() })
  t.strictSame(placesOf(await call, 0), [{ store: 'kafka', topic: 'a', partition: javaPartition('u', 6) }])
})

t.test('receipts do not hold on to the records', async t => {
  const outbox = createOutbox({ maxRequestBytes: 100_000 })
  let collected = 0
  const registry = new FinalizationRegistry<string>(() => collected++)
  const publish = (): Promise<unknown> => {
    const records = [record('1'), record('2')]
    for (const { line } of records) registry.register(line, 'line')
    return outbox.add(records)
  }
  const calls = [publish(), publish()]
  outbox.confirm({ messages: outbox.gather(topics).messages, offsets: new Map() })
  const receipts = await Promise.all(calls)
  calls.length = 0
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; collected < 4 && i < 100; i++) {
    collect()
    await setImmediate()
  }
  t.equal(collected, 4)
  t.equal(receipts.length, 2)
})
