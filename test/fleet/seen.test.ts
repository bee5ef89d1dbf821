import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { postUntilTaken } from '../support/app.ts'
import { testFleet } from '../support/fleet.ts'
import { startKafka } from '../support/kafka.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { AUTHORIZATION } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const kafka = await startKafka({ heap: '320m' })
t.teardown(() => kafka.stop())

const BATCH = 20
let batches = 0

/** A batch of events with messageIds that nobody has sent yet. */
function newBatch(): object {
  const number = ++batches
  const batch = Array.from({ length: BATCH }, (_, at) => ({
    type: 'track',
    userId: 'u',
    event: 'e',
    messageId: `b${number}-${at}`
  }))
  return { batch }
}

async function send({ url }: ServerProcess, body: object, path = 'batch'): Promise<number> {
  return (await postUntilTaken(`${url}/v1/${path}`, body, { authorization: AUTHORIZATION })).status
}

const outcomes = async ({ adminUrl }: ServerProcess, outcome: string): Promise<number> =>
  sumOf(await readMetrics(adminUrl), 'tributary_events_total', { outcome })

const idsOf = async ({ adminUrl }: ServerProcess): Promise<number> =>
  sumOf(await readMetrics(adminUrl), 'tributary_dedupe_ids', { source: 'web' })

function knows(server: ServerProcess, ids: number): Promise<void> {
  return until(async () => (await idsOf(server)) >= ids, { what: `the server to know ${ids} ids`, timeoutMs: 60_000 })
}

const seedOf = ({ dataDir }: ServerProcess): string => readFileSync(join(dataDir, 'dedupe', 'seed.json'), 'utf8')

await t.test('servers of a fleet know each other’s messageIds', async t => {
  const fleet = testFleet(t, kafka.brokers, { PUBLISH_TIMEOUT: '2s' })
  const servers = await Promise.all(['a', 'b', 'c'].map(name => fleet.server(name)))
  const [a, b, c] = servers as [ServerProcess, ServerProcess, ServerProcess]
  await Promise.all([a.start(), b.start()])
  await Promise.all([a.ready(), b.ready()])
  const first = newBatch()

  await t.test('a batch that is sent again to another server is recognised there', async t => {
    t.equal(await send(a, first), 200)
    const since = performance.now()
    await knows(b, BATCH)
    t.comment(`the other server knew the ids after ${Math.round(performance.now() - since)} ms`)
    t.equal(await send(b, first), 200)
    t.equal(await outcomes(b, 'duplicate'), BATCH)
    t.equal(await outcomes(b, 'accepted'), 0)
    t.equal(seedOf(a), seedOf(b), 'both servers hash with one seed')
  })

  await t.test('an event that was refused is not recognised: its correction passes on every server', async t => {
    t.equal(await send(a, { userId: 'u', messageId: 'fixed' }, 'track'), 400)
    t.equal(await send(a, newBatch()), 200)
    await knows(b, 2 * BATCH)
    t.equal(await send(b, { userId: 'u', event: 'e', messageId: 'fixed' }, 'track'), 200)
    t.equal(await outcomes(b, 'accepted'), 1)
  })

  await t.test(
    'a new server, and a server that lost its disk, know recently accepted ids as soon as they listen',
    async t => {
      await c.start()
      t.equal(await send(c, first), 200)
      t.same([await outcomes(c, 'duplicate'), await outcomes(c, 'accepted')], [BATCH, 0], 'a new server knows all ids')
      await c.kill()
      rmSync(c.dataDir, { recursive: true })
      await c.start()
      t.equal(await send(c, first), 200)
      t.same(
        [await outcomes(c, 'duplicate'), await outcomes(c, 'accepted')],
        [BATCH, 0],
        'a server that lost its disk knows all ids'
      )
    }
  )

  await t.test('ids of events that became durable while Kafka was away are sent when it returns', async t => {
    const before = await idsOf(b)
    await kafka.kill()
    const spooled = newBatch()
    t.equal(await send(a, spooled), 200, 'the event is accepted to the spool')
    await kafka.restart()
    await knows(b, before + BATCH)
    t.equal(await send(b, spooled), 200)
    t.equal(await outcomes(b, 'duplicate'), 2 * BATCH)
  })

  await t.test('a server that stops sends all accepted ids', async t => {
    const [before, last] = [await idsOf(b), newBatch()]
    t.equal(await send(a, last), 200)
    t.match(await a.kill('SIGTERM'), { code: 0 })
    await knows(b, before + BATCH)
  })
})

await t.test('with DEDUP_SHARE=off each server knows only its own messageIds', async t => {
  const fleet = testFleet(t, kafka.brokers, { DEDUP_SHARE: 'off' })
  const [a, b] = await Promise.all([fleet.server('a'), fleet.server('b')])
  await Promise.all([a.start(), b.start()])
  await Promise.all([a.ready(), b.ready()])
  const batch = newBatch()
  for (const server of [a, b, a, b]) t.equal(await send(server, batch), 200)
  for (const server of [a, b]) {
    t.same([await outcomes(server, 'accepted'), await outcomes(server, 'duplicate')], [BATCH, BATCH])
  }
})
