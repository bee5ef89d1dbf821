import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { Test } from 'tap'
import { post, startApp } from '../support/app.ts'
import { startKafka } from '../support/kafka.ts'
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

/** An example as a user would run it; it ends when the test does, or when it is told to. */
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

function rows(database: string): Row[] {
  const reader = new DatabaseSync(database, { readOnly: true })
  try {
    return reader.prepare('SELECT * FROM events ORDER BY message_id').all() as unknown as Row[]
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

t.jobs = 2

for (const name of ['python', 'node'] as const) {
  t.test(
    `examples/${name} writes each event of a destination once, also when it is killed and comes back`,
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
      await until(() => rows(database).length >= 798, { what: `${name} to go on`, timeoutMs: 40_000 })
      await second.stop('SIGTERM')

      const found = rows(database)
      t.equal(found.length, 798, 'all but the two that integrations forbid')
      t.equal(new Set(found.map(({ message_id }) => message_id)).size, 798)
      t.match(found[0], { message_id: 'a0000', type: 'track', source: 'web', user_id: 'u0', event: 'Order Completed' })
      t.same(
        JSON.parse(found[0]?.options ?? ''),
        { table: 'orders' },
        'the options in integrations reach their destination'
      )
      t.match(JSON.parse(found[1]?.record ?? ''), { messageId: 'a0002', properties: { total: 12.5 } })
    }
  )
}
