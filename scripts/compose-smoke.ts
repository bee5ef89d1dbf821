/**
 * Tries docker-compose.yml as a newcomer would: build, up, send events from this machine, read them back from Kafka,
 * down, up again, and nothing may be lost. It uses a Compose project of its own, and takes its volumes down at the end;
 * the ports 3000, 3001 and 9092 have to be free. Prints how long each step took. Exits 1 at the first broken promise.
 *
 *   COMPOSE='docker compose' node scripts/compose-smoke.ts
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readTopic, topicOffsets } from '../test/support/kafka-topics.ts'

const [COMPOSE = 'docker', ...COMPOSE_ARGS] = (process.env['COMPOSE'] ?? 'docker compose').split(' ')
const PROJECT = 'tributary-smoke'
const TRACKING = 'http://127.0.0.1:3000'
const ADMIN = 'http://127.0.0.1:3001'
const BROKERS = ['127.0.0.1:9092']
const TOPIC = 'tributary.events'
const BATCH_EVENTS = 100
const TIMEOUT_MS = 90_000
const POLL_MS = 50

function compose(...args: string[]): string {
  return execFileSync(COMPOSE, [...COMPOSE_ARGS, '-p', PROJECT, ...args], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', process.env['VERBOSE'] ? 'inherit' : 'pipe']
  })
}

async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  const start = performance.now()
  const result = await work()
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${what}`)
  return result
}

/** Repeats `attempt` until it returns a value. Throws its last error when the time is up. */
async function eventually<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + TIMEOUT_MS
  for (let last: unknown; ; await sleep(POLL_MS)) {
    try {
      const result = await attempt()
      if (result !== undefined) return result
    } catch (error) {
      last = error
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${TIMEOUT_MS / 1000} s`, { cause: last })
  }
}

/** Sends `count` events as one batch. Resolves with their ids if the server answered 200, otherwise with undefined. */
async function send(key: string, count: number): Promise<string[] | undefined> {
  const batch = Array.from({ length: count }, (_, i) => ({
    type: 'track',
    event: 'Smoke Seen',
    userId: `user-${i % 10}`,
    messageId: randomUUID()
  }))
  const response = await fetch(`${TRACKING}/v1/batch`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
    body: JSON.stringify({ batch })
  })
  await response.arrayBuffer()
  return response.status === 200 ? batch.map(event => event.messageId) : undefined
}

/** The ids of all events in Kafka, read from its beginning through the port for this machine. */
async function idsInKafka(count: number): Promise<string[]> {
  const records = await readTopic(BROKERS, TOPIC, { count, timeoutMs: TIMEOUT_MS })
  return records.map(record => record.headers['messageId'] ?? '')
}

async function upToFirstEvent(): Promise<{ key: string; sent: string[] }> {
  await timed('up -d returned', () => compose('up', '-d'))
  const key = await eventually('the write key', async () => {
    const file = compose('exec', '-T', 'tributary', 'cat', '/data/tributary.yml')
    return /\bwk_\w+/.exec(file)?.[0]
  })
  const sent = await timed('first 200 to an event', () => eventually('a 200', () => send(key, 1)))
  await timed('that event in Kafka', () =>
    eventually('the event in Kafka', async () => {
      const offsets = await topicOffsets(BROKERS, TOPIC)
      return offsets.some(({ high }) => high > 0) || undefined
    })
  )
  return { key, sent }
}

async function checkAdmin(): Promise<void> {
  const ready = await fetch(`${ADMIN}/readyz`)
  assert.equal(ready.status, 200, 'the server is ready')
  assert.equal((await fetch(`${ADMIN}/metrics`)).status, 200, 'metrics are open')
  assert.equal((await fetch(`${ADMIN}/api/events`)).status, 401, 'the debugger API asks for the password')
  compose('exec', '-T', 'tributary', 'node', 'docker/healthcheck.ts')
  console.log(`          readyz: ${await ready.text()}`)
}

try {
  await timed('build', () => compose('build'))
  const { key, sent } = await timed('from up to the first event in Kafka', upToFirstEvent)
  await checkAdmin()

  const more = await timed(`${BATCH_EVENTS} events answered 200`, () => send(key, BATCH_EVENTS))
  assert.ok(more, 'a batch is accepted')
  sent.push(...more)
  const before = await timed('read back from Kafka', () => idsInKafka(sent.length))
  assert.deepEqual(before.toSorted(), sent.toSorted(), 'every event is in Kafka, once')

  await timed('down', () => compose('down'))
  await timed('up -d again', () => compose('up', '-d'))
  const later = await timed('200 to the next event', () => eventually('a 200', () => send(key, 1)))
  const after = await timed('read back from Kafka', () => idsInKafka(sent.length + 1))
  assert.deepEqual(after.toSorted(), [...sent, ...later].toSorted(), 'nothing is lost or doubled by down and up')
  console.log(`all ${after.length} events are there`)
} catch (error) {
  console.log(compose('logs', 'tributary'))
  throw error
} finally {
  await timed('down -v', () => compose('down', '-v'))
}
