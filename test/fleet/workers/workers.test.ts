import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Load } from '../../support/load.ts'
import { startLoad } from '../../support/load.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import type { ServerProcess } from '../../support/server-process.ts'
import { AUTHORIZATION, createServerProcess, startServer } from '../../support/server-process.ts'
import { until } from '../../support/until.ts'
import { idsInFolder, timing, verify } from '../../support/verdict.ts'
import { allWorkersUp, eventFolders, replaceWorkers, workerPids } from '../../support/workers.ts'
import { ownFolder } from '../../support/own-folder.ts'

/** `npm run test:workers` runs the long form. */
const isLong = process.env['WORKERS_TEST'] === 'long'
const seconds = isLong ? 30 : 3
const eventsPerSecond = isLong ? 1_000 : 300

t.test('four workers on one port, without Kafka', { timeout: 170_000 }, async t => {
  const server = await startServer(t, { env: { WORKERS: '4' } })
  await allWorkersUp(server, 4)
  const folders = eventFolders(server.dataDir, 4)

  await t.test('every acknowledged event is stored once, and the metrics are those of all workers', async t => {
    const load = startLoad(t, { url: server.url, eventsPerSecond })
    await sleep(seconds * 1_000)
    await load.stop()
    const verdict = await verify([load], { folders })
    t.match(verdict, { missing: [], duplicates: 0 })
    t.strictSame(await unexplained(server, load), {})
    const used = folders.filter(dir => idsInFolder(dir).length > 0)
    t.ok(used.length > 1, `${used.length} workers accepted events`)
    const accepted = sumOf(await readMetrics(server.adminUrl), 'tributary_events_total', { outcome: 'accepted' })
    t.equal(accepted, verdict.acked, 'the metric is the sum over all workers')
  })

  await t.test('SIGUSR2 under load replaces every worker, and no request fails', async t => {
    const before = workerPids(server)
    const counted = sumOf(await readMetrics(server.adminUrl), 'tributary_events_total')
    const load = startLoad(t, { url: server.url, eventsPerSecond })
    await replaceWorkers(server)
    await load.stop()
    const after = workerPids(server)
    t.strictSame([after.length, after.filter(pid => before.includes(pid))], [4, []], 'four new workers run')
    t.strictSame(await unexplained(server, load), {}, 'no request failed')
    t.match(await verify([load], { folders }), { missing: [] })
    const now = sumOf(await readMetrics(server.adminUrl), 'tributary_events_total')
    t.equal(now, counted + load.acked.length, 'the counts of the replaced workers are kept')
  })

  await t.test('a worker that is killed under load loses no acknowledged event, and is started again', async t => {
    const load = startLoad(t, { url: server.url, eventsPerSecond })
    await sleep(500)
    const [victim = 0] = workerPids(server)
    process.kill(victim, 'SIGKILL')
    await until(() => /"msg":"worker \d has ended: it is started again"/.test(server.stderr), {
      what: 'the primary to log the restart of the worker',
      timeoutMs: 20_000
    })
    await until(() => workerPids(server).length === 4, { what: 'the restarted worker', timeoutMs: 60_000 })
    await allWorkersUp(server, 4)
    await load.stop()
    const verdict = await verify([load], { folders })
    t.match(verdict, { missing: [], unasked: 0 })
    const lost = load.answers.filter(({ status }) => status === 0).length
    t.ok(verdict.duplicates <= lost * 9, `${verdict.duplicates} copies are stored, and ${lost} answers were lost`)
    t.strictSame(await unexplained(server, load, ['ECONNRESET', 'EPIPE']), {})
  })

  await t.test('an edit of tributary.yml is in force in every worker', async t => {
    writeFileSync(server.configFile, 'sources:\n  - id: web\n    writeKeys: [wk_test, wk_new]\n')
    const authorization = `Basic ${Buffer.from('wk_new:').toString('base64')}`
    const tries = async (): Promise<boolean> => {
      const answers = await Promise.all(Array.from({ length: 24 }, () => send(server, { authorization })))
      return answers.every(status => status === 200)
    }
    await until(tries, { what: 'every worker to accept the new key', timeoutMs: 20_000 })
    t.pass('24 connections were accepted with the new key')
  })

  await t.test('a worker that hangs is named in /readyz, and the server stays ready', async t => {
    const [hanging = 0] = workerPids(server)
    process.kill(hanging, 'SIGSTOP')
    t.teardown(() => process.kill(hanging, 'SIGCONT'))
    const isNamed = async (): Promise<boolean> => (await server.readyz()).text.includes('no sign of life')
    await until(isNamed, { what: '/readyz to name the worker', timeoutMs: 20_000 })
    const { status, text } = await server.readyz()
    t.equal(status, 200)
    t.match(JSON.parse(text), { status: 'degraded', problems: [/^worker \d: no sign of life for 1 s$/] })
    const started = performance.now()
    await readMetrics(server.adminUrl)
    t.ok(performance.now() - started < 5_000, 'the metrics do not wait for the worker that hangs')
    process.kill(hanging, 'SIGCONT')
    await allWorkersUp(server, 4)
  })

  await t.test('SIGTERM ends all of them with 0, and nothing is left', async t => {
    const exit = await server.kill('SIGTERM')
    t.match(exit, { code: 0, signal: null })
    t.match(server.stderr.trimEnd().split('\n').at(-1), /nothing is left to write/)
  })
})

t.test(
  'the folder of a server without workers becomes worker 0, fewer workers leave folders, and all changes can be undone',
  { timeout: 120_000 },
  async t => {
    const server = await startServer(t)
    const expected = new Set<string>()
    const sendAs = async (id: string, times = 1): Promise<void> => {
      for (let i = 0; i < times; i++) {
        expected.add(`${id}-${i}`)
        t.equal(await send(server, { messageId: `${id}-${i}` }), 200)
      }
    }
    await sendAs('alone', 3)
    await server.kill('SIGTERM')
    await server.start({ env: { WORKERS: '3' } })
    await sendAs('three', 30)
    t.notOk(existsSync(join(server.dataDir, 'events')), 'the folder of the server without workers is gone')
    t.equal(await send(server, { messageId: 'alone-0' }, 30), 200)
    await server.kill('SIGTERM')
    await server.start({ env: { WORKERS: '1' } })
    await sendAs('one', 3)
    await server.kill('SIGTERM')
    const leftOver = eventFolders(server.dataDir, 3).slice(1)
    await server.start({ env: { WORKERS: 'off' } })
    await sendAs('again', 3)
    t.ok(existsSync(join(server.dataDir, 'events')), 'the folder of the server without workers is there again')
    await server.kill('SIGTERM')
    const stored = [join(server.dataDir, 'events'), ...leftOver].flatMap(idsInFolder)
    t.strictSame(new Set(stored), expected, 'every event is stored as a line in a folder')
  }
)

t.test(
  'if Kafka cannot be reached, a stop reports what waits in all workers, and exits with 75',
  { timeout: 120_000 },
  async t => {
    const env = { WORKERS: '2', KAFKA_BROKERS: '127.0.0.1:1', PUBLISH_TIMEOUT: '50ms' }
    const server = await startServer(t, { env })
    await server.accepts(60_000)
    for (let i = 0; i < 20; i++) t.equal(await send(server, { messageId: `left-${i}` }), 200)
    const exit = await server.kill('SIGTERM')
    t.match(exit, { code: 75, signal: null })
    t.match(
      server.stderr.trimEnd().split('\n').at(-1),
      /"bytes":\d+,"msg":"stopped; \d+ bytes wait for Kafka in .*worker-\*/
    )
  }
)

t.test(
  'if the workers cannot start, the reason is reported once, and the exit code is 1',
  { timeout: 60_000 },
  async t => {
    const other = await startServer(t)
    const server = await createServerProcess(t, {
      env: { WORKERS: '3', PORT: new URL(other.url).port },
      dir: ownFolder(t)
    })
    const error = await server.start().then(
      () => '',
      (error: Error) => error.message
    )
    t.match(error, /tributary: .*EADDRINUSE/)
    t.equal(error.split('EADDRINUSE').length - 1 < 3, true)
    t.match(await server.ended(), { code: 1 })
  }
)

t.test(
  'a primary that is killed takes its workers with it, and the next start can use the folders',
  { timeout: 60_000 },
  async t => {
    const server = await startServer(t, { env: { WORKERS: '2' } })
    const pids = workerPids(server)
    t.equal(await send(server, { messageId: 'before' }), 200)
    await server.kill('SIGKILL')
    const areGone = (): boolean => pids.every(pid => !isAlive(pid))
    await until(areGone, { what: 'the workers to end', timeoutMs: 20_000 })
    await server.start()
    t.equal(await send(server, { messageId: 'after' }), 200)
    t.strictSame(eventFolders(server.dataDir, 2).flatMap(idsInFolder).sort(), ['after', 'before'])
  }
)

/** The number of answers other than 200 and 503 that an overloaded machine caused, by status. */
async function unexplained(server: ServerProcess, load: Load, allowed: readonly string[] = []) {
  const { statuses } = timing(load.answers)
  const metrics = await readMetrics(server.adminUrl)
  const overloaded = sumOf(metrics, 'tributary_requests_refused_total', { code: 'overloaded' })
  return Object.fromEntries(
    Object.entries(statuses).filter(([status, count]) => {
      if (status === '200' || allowed.includes(status)) return false
      return status !== '503' || count > overloaded
    })
  )
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Sends one event `times` times, each on its own connection. Returns the last status. */
async function send(
  { url }: ServerProcess,
  { messageId, authorization = AUTHORIZATION }: { readonly messageId?: string; readonly authorization?: string },
  times = 1
): Promise<number> {
  let status = 0
  for (let i = 0; i < times; i++) {
    const answer = await fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization, connection: 'close' },
      body: JSON.stringify({ userId: 'u', event: 'e', ...(messageId === undefined ? {} : { messageId }) })
    })
    await answer.arrayBuffer()
    status = answer.status
  }
  return status
}
