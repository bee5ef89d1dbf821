/**
 * The memory of large requests is reused. Here it is overwritten as soon as it is released, so that code that reads it
 * later would publish bytes that no client sent.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import t from 'tap'
import { KEY, startApp } from '../support/app.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import { readTopic, startKafka } from '../support/kafka.ts'
import { createSpoiledMemory } from '../support/spoiled-memory.ts'
import { until } from '../support/until.ts'

/** Some events of each batch are refused. */
const PARTIAL = { BATCH_PARTIAL_STATUS: '200' }
const EVENTS = 250
const CLIENTS = 3

/** Text that names its event throughout. */
const textOf = (id: string): string => `${id}-é `.repeat(60)

function batchOf(number: number): Buffer {
  const ids = Array.from({ length: EVENTS }, (_, index) => `m${number}.${index}`)
  const batch = ids.map((messageId, index) =>
    index % 50 === 7
      ? { type: 'track', messageId, userId: `u${index % 5}` }
      : { type: 'track', event: 'Told', messageId, userId: `u${index % 5}`, properties: { text: textOf(messageId) } }
  )
  return Buffer.from(JSON.stringify({ batch }))
}

/** Sends batches until the test stops it. */
function startClients(url: string): { acked: number[]; others: number[]; stop(): Promise<void> } {
  const [acked, others]: [number[], number[]] = [[], []]
  let [next, stopped] = [0, false]
  const run = async (isZipped: boolean): Promise<void> => {
    while (!stopped) {
      const number = next++
      const body = batchOf(number)
      const headers: Record<string, string> = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString('base64')}` }
      if (isZipped) headers['content-encoding'] = 'gzip'
      const request = { method: 'POST', headers, body: new Uint8Array(isZipped ? gzipSync(body) : body) }
      const { status } = await fetch(`${url}/v1/batch`, request)
      if (status === 200) acked.push(number)
      else others.push(number)
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, i) => run(i % 3 === 0))
  return {
    acked,
    others,
    async stop() {
      stopped = true
      await Promise.all(clients)
    }
  }
}

/** The valid events of the batches, in the form in which they were sent. Throws if a line is not JSON. */
function check(t: Test, lines: readonly string[], acked: readonly number[]): void {
  const found = new Set<string>()
  let spoiled = 0
  for (const line of lines) {
    const { messageId, properties } = JSON.parse(line) as { messageId: string; properties: { text: string } }
    if (properties.text === textOf(messageId)) found.add(messageId)
    else spoiled++
  }
  const missing = acked.flatMap(number =>
    Array.from({ length: EVENTS }, (_, index) => (index % 50 === 7 ? [] : [`m${number}.${index}`]))
      .flat()
      .filter(id => !found.has(id))
  )
  t.equal(spoiled, 0, 'every event is stored as it was sent')
  t.strictSame(missing, [], `all events of the ${acked.length} batches are stored`)
}

t.test('to the log: no event is written from released memory', async t => {
  const memory = createSpoiledMemory()
  const { app, url, dir } = await startApp(t, { sink: 'configured', bufferPool: memory, env: PARTIAL })
  const clients = startClients(url)
  await until(() => clients.acked.length >= 60, { what: '60 acknowledged batches' })
  await clients.stop()
  await app.close()

  const events = join(dir, 'data', 'events')
  const files = readdirSync(events).filter(name => name.endsWith('.ndjson'))
  const lines = files.flatMap(name => readFileSync(join(events, name), 'utf8').trimEnd().split('\n'))
  check(t, lines, clients.acked)
  t.strictSame(clients.others, [])
  t.ok(memory.spoiled() >= clients.acked.length, `${memory.spoiled()} buffers were released`)
})

t.test('to a Kafka that hangs for a while: no event is sent, spooled or sent again from released memory', async t => {
  const kafka = await startKafka({})
  t.teardown(() => kafka.stop())
  const memory = createSpoiledMemory()
  const env = { ...PARTIAL, KAFKA_BROKERS: kafka.brokers.join() }
  const { url, adminUrl } = await startApp(t, { sink: 'configured', bufferPool: memory, env })
  await until(async () => (await fetch(`${adminUrl}/readyz`)).ok, { what: 'readyz to be 200' })
  const clients = startClients(url)
  for (const hangMs of [1_500, 3_000]) {
    const before = clients.acked.length
    await until(() => clients.acked.length >= before + 15, { what: '15 more acknowledged batches', timeoutMs: 30_000 })
    kafka.pause()
    await sleep(hangMs)
    kafka.resume()
  }
  await clients.stop()
  const backlog = async (): Promise<number> => sumOf(await readMetrics(adminUrl), 'tributary_backlog_bytes')
  await until(async () => (await backlog()) === 0, { what: 'the spool to be empty', timeoutMs: 60_000 })

  const records = await readTopic(kafka.brokers, 'tributary.events', { timeoutMs: 60_000 })
  check(
    t,
    records.map(({ value }) => value),
    clients.acked
  )
  t.ok(memory.spoiled() >= clients.acked.length, `${memory.spoiled()} buffers were released`)
})
