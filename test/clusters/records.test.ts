/** The settings for records and for the connection to a cluster. Kafka's own Java client reads the records. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { hostname } from 'node:os'
import t, { type Test } from 'tap'
import { COMPRESSIONS } from '../../src/model/record.ts'
import { startClusterSink } from '../support/clusters/cluster-sink.ts'
import { startKafkaTool } from '../support/clusters/kafka-tool.ts'
import { eventRecord } from '../support/kafka-sink.ts'
import { freePort } from '../support/kafka-process.ts'
import { readTopic, startKafka } from '../support/kafka.ts'

const EVENTS = 300

const kafka = await startKafka({})
t.teardown(() => kafka.stop())
const tool = await startKafkaTool(t, kafka.brokers)

/** Small values, some that no codec makes smaller, and some larger than the 32 KiB of a snappy block. */
function propertiesOf(at: number): object {
  if (at % 50 === 49) return { noise: randomBytes(30_000).toString('base64') }
  if (at % 50 === 48) return { much: 'The quick brown fox jumps over the lazy dog. '.repeat(2_500) }
  return { order: at, currency: 'EUR', products: [{ id: `p-${at}`, price: at * 1.1 }] }
}

for (const compression of COMPRESSIONS) {
  t.test(`KAFKA_COMPRESSION=${compression}: an independent client reads every byte`, async t => {
    const topic = `compressed-${compression}`
    const env = { KAFKA_BROKERS: kafka.brokers.join(','), KAFKA_COMPRESSION: compression }
    const { sink } = await startClusterSink(t, env, [topic]).ready()
    const records = Array.from({ length: EVENTS }, (_, at) =>
      eventRecord({ messageId: `m-${at}`, key: `user-${at % 7}`, topics: [topic], properties: propertiesOf(at) })
    )
    await Promise.all(records.map(record => sink.publish([record])))
    const expected = new Map(
      records.map((record, at) => [`m-${at}`, record.block.toString('utf8', record.lineStart, record.lineEnd - 1)])
    )
    const read = await tool.read(topic)
    t.equal(read.length, EVENTS)
    const wrong = read.filter(({ headers, value }) => expected.get(headers['messageId'] ?? '') !== value)
    t.strictSame(wrong, [], 'the Java client reads every byte')
    if (compression !== 'none' && compression !== 'gzip') return
    const byKafkajs = await readTopic(kafka.brokers, topic, { count: EVENTS })
    t.strictSame(
      byKafkajs.filter(({ headers, value }) => expected.get(headers['messageId'] ?? '') !== value),
      [],
      'kafkajs reads every byte'
    )
  })
}

t.test('KAFKA_HEADERS selects the headers; messageId, which is used to find records, is always present', async t => {
  const cases: [string, string[]][] = [
    ['type,source,messageId,receivedAt', ['messageId', 'receivedAt', 'source', 'type']],
    ['source', ['messageId', 'source']],
    ['messageId', ['messageId']]
  ]
  for (const [at, [KAFKA_HEADERS, names]] of cases.entries()) {
    const topic = `headers-${at}`
    const { sink } = await startClusterSink(t, { KAFKA_BROKERS: kafka.brokers.join(','), KAFKA_HEADERS }, [
      topic
    ]).ready()
    const records = ['a', 'b'].map(messageId => eventRecord({ messageId, topics: [topic] }))
    await sink.publish(records)
    const read = await tool.read(topic)
    t.strictSame(
      read
        .toSorted((a, b) => (a.headers['messageId'] ?? '').localeCompare(b.headers['messageId'] ?? ''))
        .map(({ headers }) => [headers['messageId'], Object.keys(headers).toSorted((a, b) => a.localeCompare(b))]),
      ['a', 'b'].map(id => [id, names]),
      KAFKA_HEADERS
    )
  }
})

async function listen(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('The brokers see the server under KAFKA_CLIENT_ID', async t => {
  const heard: Buffer[] = []
  const relay = createServer(near => {
    const far = connect(Number(kafka.brokers[0]?.split(':')[1]), '127.0.0.1')
    near.on('data', (bytes: Buffer) => heard.push(bytes))
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      from.on('error', () => to.destroy())
      from.pipe(to)
    }
    t.teardown(() => near.destroy())
  })
  const env = { KAFKA_BROKERS: await listen(t, relay), KAFKA_CLIENT_ID: 'shop-{host}' }
  await startClusterSink(t, env, ['named']).ready()
  t.ok(Buffer.concat(heard).includes(`shop-${hostname()}`))
})

t.test('Dead or silent brokers at the beginning of the list delay a start by less than 2 s', async t => {
  const silent = createServer(socket => {
    t.teardown(() => socket.destroy())
  })
  const dead = `127.0.0.1:${await freePort()}`
  const list = [await listen(t, silent), dead, ...kafka.brokers].join(',')
  const startWith = async (KAFKA_BROKERS: string): Promise<number> => {
    const began = performance.now()
    await startClusterSink(t, { KAFKA_BROKERS }, ['compressed-none']).ready()
    return performance.now() - began
  }
  const alone = await startWith(kafka.brokers.join(','))
  const behind = await startWith(list)
  t.comment(
    `the server was ready after ${alone.toFixed(0)} ms, and after ${behind.toFixed(0)} ms with the two other brokers`
  )
  t.ok(
    behind < alone + 2_000,
    `the start took ${behind.toFixed(0)} ms, and ${alone.toFixed(0)} ms without the other brokers`
  )
})
