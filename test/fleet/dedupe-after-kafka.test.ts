/** examples/kafka-streams, as docs/scaling.md starts it, behind two servers that do not know each other. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka as Client, logLevel } from 'kafkajs'
import t from 'tap'
import { commandBlocks } from '../support/docs/command-lines.ts'
import { startJava, type JavaProcess } from '../support/kafka-process.ts'
import { kafkaStreamsJars, STREAMS_EXAMPLE } from '../support/kafka-streams.ts'
import type { ReadRecord } from '../support/kafka-topics.ts'
import { configureTopic, createTopic, javaPartition, produceValues, readTopic, startKafka } from '../support/kafka.ts'
import { ownFolder } from '../support/own-folder.ts'
import { AUTHORIZATION, startServer } from '../support/server-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { until, untilCalm } from '../support/until.ts'

const PARTITIONS = 3
const FROM = 'events'
const TO = 'events-once'
const USERS = 20
const EVENTS = 10 * USERS
const YEAR_MS = 365 * 24 * 60 * 60 * 1_000
const PATIENCE_MS = 120_000
/** As before Kafka 4, which refuses timestamps that are over an hour ahead. */
const ANY_TIME = { 'message.timestamp.after.max.ms': '9223372036854775807' }

const libs = await kafkaStreamsJars()
const kafka = await startKafka({})
t.teardown(() => kafka.stop())
const root = ownFolder(t, { a: {}, b: {}, job: {} })

const idOf = ({ headers }: Pick<ReadRecord, 'headers'>): string => headers['messageId'] ?? ''

/** What the job keeps. A record without a timestamp, or with one that is yet to come, gets the time at which it is read. */
function bare(record: ReadRecord): object {
  const { partition, value, headers, timestamp } = record
  return { partition, value, headers, timestamp: /none|early/.test(idOf(record)) ? '' : timestamp }
}

/** What comes out, as it comes: in a topic that is written in transactions, the last offset is not a record. */
async function follow(): Promise<ReadRecord[]> {
  const records: ReadRecord[] = []
  const client = new Client({ clientId: 'tributary-tests', brokers: [...kafka.brokers], logLevel: logLevel.NOTHING })
  const consumer = client.consumer({ groupId: 'after', maxWaitTimeInMs: 100 })
  t.teardown(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: TO, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])
      records.push({
        topic,
        partition,
        offset: message.offset,
        key: message.key?.toString() ?? null,
        value: message.value?.toString() ?? '',
        headers: Object.fromEntries(headers),
        timestamp: Number(message.timestamp)
      })
    }
  })
  return records
}

/** Starts the job with the command of docs/scaling.md, on this test's broker and topics. */
async function startJob(): Promise<JavaProcess> {
  const line =
    commandBlocks('docs/scaling.md')
      .flat()
      .find(line => line.startsWith('java ')) ?? ''
  const [, program = '', settings = ''] = /(\S+\.java) (\S+) tributary\.events tributary\.events-once$/.exec(line) ?? []
  const dir = join(root, 'job')
  const own = readFileSync(join(STREAMS_EXAMPLE, '..', '..', settings), 'utf8')
  writeFileSync(
    join(dir, 'own.properties'),
    own.replace(/^bootstrap.servers=.*$/m, `bootstrap.servers=${kafka.brokers.join()}`)
  )
  // RocksDB copies its library into the temporary folder, and leaves it there when it is killed.
  const args = [`-Djava.io.tmpdir=${dir}`, join(STREAMS_EXAMPLE, '..', '..', program), 'own.properties', FROM, TO]
  const job = await startJava({ libs, dir, heap: '256m', wrapper: [], env: {}, args })
  t.teardown(() => job.kill('SIGKILL'))
  return job
}

async function send({ url }: ServerProcess, run: string): Promise<void> {
  const batch = Array.from({ length: EVENTS }, (_, at) => ({
    type: 'track',
    userId: `u${at % USERS}`,
    event: 'e',
    messageId: `${run}-${at}`
  }))
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  const post = async (): Promise<number> => {
    const answer = await fetch(`${url}/v1/batch`, { method: 'POST', headers, body: JSON.stringify({ batch }) })
    await answer.arrayBuffer()
    return answer.status
  }
  t.equal(await untilCalm(post, status => status === 503), 200)
}

/** Writes one record of u0, with a timestamp of its own, as a server whose clock is wrong does. */
async function sendAt(timestamp: number, messageId: string): Promise<void> {
  const headers = { source: 'web', messageId }
  const record = {
    partition: javaPartition('u0', PARTITIONS),
    key: 'u0',
    value: '{}',
    timestamp: String(timestamp),
    headers
  }
  await produceValues(kafka.brokers, FROM, [record])
}

await t.test(
  'each event passes once and in order, whatever its time and although the job was killed between its copies',
  async t => {
    const env = {
      KAFKA_BROKERS: kafka.brokers.join(),
      EVENTS_TOPIC: FROM,
      KAFKA_REPLICATION_FACTOR: '1',
      KAFKA_PARTITIONS: String(PARTITIONS)
    }
    const a = await startServer(t, { dir: join(root, 'a'), env })
    const b = await startServer(t, { dir: join(root, 'b'), env })
    await Promise.all([a.ready(), b.ready()])
    await createTopic(kafka.brokers, TO, { partitions: PARTITIONS })
    await configureTopic(kafka.brokers, FROM, ANY_TIME)
    const out = await follow()
    const passed = async (run: string, events: number): Promise<void> =>
      await until(() => out.filter(record => idOf(record).startsWith(run)).length >= events, {
        what: `the job to pass the events of ${run}`,
        timeoutMs: PATIENCE_MS
      })

    await send(a, 'first')
    const killed = await startJob()
    await passed('first', EVENTS)
    await killed.kill('SIGKILL')
    for (const server of [b, a]) await send(server, 'second')
    await send(b, 'first')
    const job = await startJob()
    await passed('second', EVENTS)
    for (const [id, time] of [
      ['late', Date.now() - YEAR_MS],
      ['early', Date.now() + YEAR_MS],
      ['after', Date.now()],
      ['none', -1]
    ] as const)
      for (let copy = 0; copy < 2; copy++) await sendAt(time, id)
    await send(a, 'last')
    await passed('last', EVENTS)
    await job.kill('SIGTERM')

    const records = await readTopic(kafka.brokers, FROM, { timeoutMs: PATIENCE_MS })
    t.equal(
      records.length,
      5 * EVENTS + 8,
      'the topic holds two copies of the first event, the second event and the events with odd times'
    )
    const all = Map.groupBy(records, ({ key }) => key)
    t.equal(all.size, USERS)
    for (const [key, given] of all) {
      const first = [...Map.groupBy(given, idOf).values()].flatMap(copies => copies.slice(0, 1))
      const passed = out.filter(record => record.key === key)
      t.same(passed.map(idOf), first.map(idOf), `${key}: each event passed once and in order`)
      t.same(passed.map(bare), first.map(bare), `${key}: each event kept its headers, value, time and partition`)
    }
  }
)
