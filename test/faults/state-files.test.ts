import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { createTopic, readTopic, startKafka } from '../support/kafka.ts'
import { AUTHORIZATION, startServer, type ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { ownFolder } from '../support/own-folder.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/**
 * Written by commit 96a0f22: events/ that were relayed to Kafka, one refused record, and twelve events that wait for
 * Kafka.
 */
const TAKEN_OVER = join(ROOT, 'test', 'fixtures', 'data-of-96a0f22')

const kafka = await startKafka({})
t.teardown(() => kafka.stop())
t.afterEach(() => kafka.resume())

/** Sends again, as an SDK does, if a busy machine overloads the server. */
async function send(server: ServerProcess, messageId: string): Promise<number> {
  const body = JSON.stringify({ userId: 'u', event: 'Sent', messageId })
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  for (let tries = 0; ; tries++) {
    const { status } = await fetch(`${server.url}/v1/track`, { method: 'POST', headers, body })
    if (status === 200 || tries > 20) return status
    await sleep(200)
  }
}

/** Events that Kafka does not confirm. */
async function spool(t: Test, server: ServerProcess, ids: readonly string[]): Promise<void> {
  kafka.pause()
  for (const id of ids) t.equal(await send(server, id), 200)
  t.ok((await server.backlogBytes()) > 0, 'the events are in the spool')
}

async function cli(
  server: { readonly dataDir: string; readonly configFile: string },
  args: readonly string[],
  env: object
) {
  const child = spawn(join(ROOT, 'bin', 'tributary'), args, {
    env: { ...process.env, ...env, DATA_DIR: server.dataDir, CONFIG_FILE: server.configFile }
  })
  let out = ''
  child.stdout.on('data', (text: Buffer) => (out += text.toString()))
  child.stderr.on('data', (text: Buffer) => (out += text.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out }
}

async function idsIn(topic: string): Promise<string[]> {
  return (await readTopic(kafka.brokers, topic)).map(({ headers }) => headers['messageId'] ?? '')
}

function envOf(topic: string): Record<string, string> {
  return { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: topic, REJECTED_TOPIC: `${topic}.rejected` }
}

async function started(t: Test, topic: string): Promise<ServerProcess> {
  const server = await startServer(t, { env: envOf(topic) })
  await server.ready()
  return server
}

t.test(
  'a folder of version 96a0f22 is taken over: waiting events go to Kafka once and in order, and the rest stays',
  async t => {
    await createTopic(kafka.brokers, 'taken.events', { partitions: 3 })
    const dir = ownFolder(t)
    const dataDir = join(dir, 'data')
    cpSync(TAKEN_OVER, dataDir, { recursive: true })
    const server = await startServer(t, { dir, env: envOf('taken.events') })
    await server.ready()
    await server.drained()
    t.equal(await send(server, 'new'), 200)
    const ids = (await idsIn('taken.events')).filter(id => id !== 'new')
    t.strictSame(ids.toSorted(), Array.from({ length: 12 }, (_, i) => `waiting-${'x'.repeat(i % 3)}${i}`).toSorted())
    const numbers = new Map<string, number>()
    const isOrdered = ids.every(id => {
      const [user, number] = [id.length % 3, Number(id.replace(/\D/g, ''))].map(String) as [string, string]
      const before = numbers.get(user) ?? -1
      numbers.set(user, Number(number))
      return Number(number) > before
    })
    t.ok(isOrdered, ids.join())
    t.ok(
      readdirSync(join(dataDir, 'events')).some(name => name.endsWith('.ndjson')),
      'events/ is kept'
    )
    await until(() => !readdirSync(join(dataDir, 'spool')).some(name => name.endsWith('.ndjson')), {
      what: 'the segments of the spool to be deleted'
    })
    const env = envOf('taken.events')
    t.match(await cli(server, ['refused', 'list'], env), {
      code: 0,
      out: /poison +taken\.events +the record is 25376 bytes/
    })
    t.match(await cli(server, ['refused', 'retry'], env), { code: 0, out: /1 of 1 records were sent/ })
    t.ok((await idsIn('taken.events')).includes('poison'))
    t.match(await cli(server, ['refused', 'list'], env), { code: 0, out: /refused nothing/ })
  }
)

t.test(
  'a position that cannot be written is reported, nothing is deleted, and the position is written when possible',
  async t => {
    const server = await started(t, 'position')
    const inTheWay = join(server.dataDir, 'spool', 'position.json.tmp')
    mkdirSync(inTheWay)
    await spool(t, server, ['a', 'b'])
    kafka.resume()
    await server.drained()
    const isNamed = async (): Promise<boolean> => (await server.readyz()).text.includes('how far Kafka has the log')
    await until(isNamed, { what: 'readyz to name the position' })
    t.ok(readdirSync(join(server.dataDir, 'spool')).some(name => name.endsWith('.ndjson')))
    rmSync(inTheWay, { recursive: true })
    await until(() => existsSync(join(server.dataDir, 'spool', 'position.json')), { what: 'the file of the position' })
    await until(async () => !(await isNamed()), { what: 'readyz to stop naming the position' })
    await server.kill()
    await server.start()
    await server.ready()
    await server.drained()
    t.strictSame((await idsIn('position')).toSorted(), ['a', 'b'])
  }
)

t.test('a server that stops with events left says so, exits with 75, and `spool drain` sends them', async t => {
  const topic = 'left'
  const env = envOf(topic)
  const server = await started(t, topic)
  await spool(t, server, ['a', 'b', 'c'])
  t.match(await server.kill('SIGTERM'), { code: 75 })
  t.match(server.stderr, /stopped; \d+ bytes wait for Kafka in .*spool drain/)
  t.match(await cli(server, ['spool', 'status'], env), { code: 75, out: /\d+ bytes in one file wait for Kafka/ })
  kafka.resume()
  t.match(await cli(server, ['spool', 'drain'], env), { code: 0, out: /nothing waits/ })
  t.strictSame([...new Set(await idsIn(topic))].toSorted(), ['a', 'b', 'c'])
  t.match(await cli(server, ['spool', 'status'], env), { code: 0, out: /nothing waits/ })
})

t.test('events in the log go to a Kafka that starts long after the server, and later events follow them', async t => {
  const server = await started(t, 'patience')
  await spool(t, server, ['a', 'b', 'c'])
  await server.kill()
  await server.start()
  // The log was read to its end, and its reader has been idle for a while.
  await sleep(3_000)
  t.equal(await send(server, 'd'), 200)
  kafka.resume()
  await server.drained()
  const ids = await idsIn('patience')
  t.strictSame([...new Set(ids)], ['a', 'b', 'c', 'd'])
})

t.test('DRAIN_ON_STOP waits for Kafka, and the last line says that no event is left', async t => {
  const server = await startServer(t, { env: { ...envOf('drained'), DRAIN_ON_STOP: '20s' } })
  await server.ready()
  await spool(t, server, ['a', 'b'])
  const ended = server.kill('SIGTERM')
  setTimeout(() => kafka.resume(), 1_500)
  t.match(await ended, { code: 0 })
  t.match(server.stderr, /stopped; nothing is left to write/)
  t.strictSame((await idsIn('drained')).toSorted(), ['a', 'b'])
})

t.end()
