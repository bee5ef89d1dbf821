import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kafka as KafkaClient } from 'kafkajs'
import t from 'tap'
import type { Test } from 'tap'
import { post, startApp } from '../support/app.ts'
import { createTopic, startKafka } from '../support/kafka.ts'
import { until } from '../support/until.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const PYTHON = join(REPOSITORY, '.cache', 'venv', 'bin', 'python')

const CONSUMERS = {
  python: [PYTHON, join(REPOSITORY, 'examples', 'python', 'consumer.py')],
  node: [process.execPath, join(REPOSITORY, 'examples', 'node', 'consumer.ts')]
} as const

const kafka = await startKafka({})
t.teardown(() => kafka.stop())

interface Row {
  readonly message_id: string
  readonly type: string
  readonly source: string
  readonly user_id: string | null
  readonly event: string | null
  readonly options: string | null
  readonly record: string
}

/** Starts an example as a user does. It ends with the test, or when the test stops it. */
async function consume(t: Test, name: keyof typeof CONSUMERS, topic: string, database: string) {
  const [program, script] = CONSUMERS[name]
  const args = ['--topic', topic, '--database', database, '--destination', 'Warehouse', '--group', `${name}-${topic}`]
  const child = spawn(program, [script, '--brokers', kafka.brokers.join(), ...args], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, 'exit')
  await until(() => said.includes('reading') || child.exitCode !== null, { what: `${name} to start` })
  if (child.exitCode !== null) throw new Error(said)
  return {
    async stop(signal: NodeJS.Signals): Promise<void> {
      child.kill(signal)
      await ended
      if (signal === 'SIGTERM') t.equal(child.exitCode, 0, said)
    }
  }
}

interface Refused {
  readonly position: number
  readonly reason: string
  readonly record: Uint8Array | null
}

const rows = (database: string): Row[] => select(database, 'SELECT * FROM events ORDER BY message_id')
const refused = (database: string): Refused[] => select(database, 'SELECT * FROM refused ORDER BY position')

function select<T>(database: string, query: string): T[] {
  const reader = new DatabaseSync(database, { readOnly: true })
  try {
    return reader.prepare(query).all() as unknown as T[]
  } catch {
    return []
  } finally {
    reader.close()
  }
}

const batch = (prefix: string, count: number): object => ({
  batch: Array.from({ length: count }, (_, i) => ({
    type: 'track',
    userId: `u${i % 7}`,
    event: 'Order Completed',
    messageId: `${prefix}${String(i).padStart(4, '0')}`,
    properties: { total: 12.5 },
    ...(i === 0 ? { integrations: { Warehouse: { table: 'orders' } } } : {}),
    ...(i === 1 ? { integrations: { Warehouse: false } } : {})
  }))
})

/** Records that the schema allows, or that an older server or another producer has written to the topic. */
function oddRecords(): { good: string[]; bad: [value: string | Buffer | null, reason: RegExp][] } {
  const at = '2026-11-23T12:00:00.000Z'
  const record = (messageId: string, parts: string): string =>
    `{"type":"track","messageId":"${messageId}","timestamp":"${at}","receivedAt":"${at}","projectId":"web","version":2,${parts}}`
  return {
    good: [
      record('g1', `"userId":"u","event":"e","properties":{"n":${'7'.repeat(5_000)},"f":1e999}`),
      record('g2', '"userId":"u","event":"e","properties":{"half":"\\ud83d","nul":"\\u0000"}'),
      record('g3', '"userId":null,"anonymousId":"a","event":null,"integrations":[],"properties":null'),
      record('g4', `"userId":"u","event":"e","integrations":{"Warehouse":{"n":${'7'.repeat(5_000)}}}`),
      record('g5', '"userId":"u","event":"e","integrations":{"Warehouse":[1]}'),
      record('g6', '"userId":"\u{1f600}\\ud83d\\ude00","event":"e","integrations":null'),
      record('g7', `"userId":"u","event":"e","properties":${'['.repeat(60)}${']'.repeat(60)}`)
    ],
    bad: [
      [record('b1', '"userId":"u","event":"half \\ud83d"'), /event holds half of a surrogate pair/],
      [record('b2 \\udc00', '"userId":"u","event":"e"'), /messageId holds half of a surrogate pair/],
      [record('b3', '"userId":{"a":1},"event":"e"'), /userId is no text/],
      [record('b4', '"userId":"u","event":["e"]'), /event is no text/],
      [record('b5', '"userId":7,"event":"e"'), /userId is no text/],
      [record('b6', '"userId":true,"event":"e"'), /userId is no text/],
      ['{"type":"track"}', /messageId is no text/],
      ['[1]', /no JSON object/],
      ['null', /no JSON object/],
      ['{"torn":', /./],
      ['', /./],
      [Buffer.from([0x7b, 0xff, 0x7d]), /./],
      [null, /./]
    ]
  }
}

async function produce(topic: string, values: readonly (string | Buffer | null)[]): Promise<void> {
  const client = new KafkaClient({ brokers: [...kafka.brokers], logLevel: 0 })
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic, messages: values.map(value => ({ value, partition: 0 })) })
  await producer.disconnect()
}

t.jobs = 2

for (const name of ['python', 'node'] as const) {
  t.test(
    `examples/${name} keeps a record that makes no row aside, with the error, and writes all others`,
    { buffered: true },
    async t => {
      const topic = `odd.${name}`
      await createTopic(kafka.brokers, topic, { partitions: 1 })
      const { good, bad } = oddRecords()
      // Each valid record is beside one that could cost its whole batch.
      const mixed = bad.flatMap(([value], index) => [value, ...(good[index] === undefined ? [] : [good[index]])])
      await produce(topic, mixed)
      const database = join(t.testdir(), 'events.db')
      const consumer = await consume(t, name, topic, database)
      const isDone = (): boolean => rows(database).length === good.length && refused(database).length === bad.length
      const seen = (): string => `${rows(database).length} rows, ${refused(database).length} kept aside`
      await until(isDone, { what: `${name} to write the valid records`, timeoutMs: 40_000, seen })
      const aside = refused(database)
      for (const [index, [value, reason]] of bad.entries()) {
        t.match(aside[index]?.reason, reason, String(value))
        t.same(aside[index]?.record && Buffer.from(aside[index].record), value === null ? null : Buffer.from(value))
      }
      t.same(
        rows(database).map(({ record }) => record),
        good,
        'the valid records are in their original order'
      )
      await consumer.stop('SIGTERM')
    }
  )

  t.test(
    `examples/${name} writes each event of a destination once, also if it is killed and started again`,
    { buffered: true },
    async t => {
      const topic = `warehouse.${name}`
      const config = `
sources: [{ id: web, writeKeys: [wk_test] }]
destinations: [{ name: Warehouse, topic: ${topic} }]`
      const env = {
        KAFKA_BROKERS: kafka.brokers.join(),
        EVENTS_TOPIC: `events.${name}`,
        REJECTED_TOPIC: `rejected.${name}`
      }
      const { url, adminUrl, dir } = await startApp(t, { config, sink: 'configured', env })
      await until(async () => (await fetch(`${adminUrl}/readyz`)).status === 200, { what: 'the server to be ready' })
      const database = join(dir, 'events.db')

      const first = await consume(t, name, topic, database)
      t.equal((await post(`${url}/v1/batch`, batch('a', 500))).status, 200)
      await until(() => rows(database).length >= 499, { what: `${name} to write rows`, timeoutMs: 20_000 })
      await first.stop('SIGKILL')

      t.equal((await post(`${url}/v1/batch`, batch('b', 300))).status, 200)
      const second = await consume(t, name, topic, database)
      await until(() => rows(database).length >= 798, { what: `${name} to continue`, timeoutMs: 40_000 })
      await second.stop('SIGTERM')

      const found = rows(database)
      t.equal(found.length, 798, 'all events are written, except the two that integrations forbid')
      t.equal(new Set(found.map(({ message_id }) => message_id)).size, 798)
      t.match(found[0], { message_id: 'a0000', type: 'track', source: 'web', user_id: 'u0', event: 'Order Completed' })
      t.same(JSON.parse(found[0]?.options ?? ''), { table: 'orders' }, 'the options in integrations are written')
      t.match(JSON.parse(found[1]?.record ?? ''), { messageId: 'a0002', properties: { total: 12.5 } })
    }
  )
}
