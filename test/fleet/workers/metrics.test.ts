/** What /metrics and the overview say of workers that do not answer. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { postUntilTaken } from '../../support/app.ts'
import { readMetrics, sumOf, type Sample } from '../../support/metrics.ts'
import { AUTHORIZATION, startServer } from '../../support/server-process.ts'
import type { ServerProcess } from '../../support/server-process.ts'
import { allWorkersUp, workerPids } from '../../support/workers.ts'

/** No broker is there, so every event is spooled. */
const env = { KAFKA_BROKERS: '127.0.0.1:1', PUBLISH_TIMEOUT: '50ms', SPOOL_MAX_BYTES: '40MB' }
const BACKLOG = 'tributary_backlog_bytes'

/** Sends events on a connection each, so that all workers get some. */
async function spool(t: Test, { url }: ServerProcess, events: number): Promise<void> {
  for (let at = 0; at < events; at++) {
    const own = { authorization: AUTHORIZATION, connection: 'close' }
    const { status } = await postUntilTaken(`${url}/v1/track`, { userId: 'u', event: 'E' }, own)
    if (status !== 200) t.fail(`the event is answered ${status}`)
  }
}

/** The bytes of the segments in a folder of each worker. */
function storedBytes({ dataDir }: ServerProcess, folder: 'spool' | 'events' = 'spool'): number[] {
  const folders = readdirSync(dataDir).filter(name => /^worker-\d$/.test(name))
  return folders.toSorted().map(name => {
    const dir = join(dataDir, name, folder)
    const segments = readdirSync(dir).filter(file => file.endsWith('.ndjson'))
    return segments.reduce((sum, file) => sum + statSync(join(dir, file)).size, 0)
  })
}

/** Reads the metrics until both workers answer. Resolves with the different texts that `pick` has made of them. */
async function untilUp({ adminUrl }: ServerProcess, pick: (now: readonly Sample[]) => unknown): Promise<string[]> {
  const seen = new Set<string>()
  for (let isUp = false; !isUp;) {
    const now = await readMetrics(adminUrl)
    isUp = sumOf(now, 'tributary_worker_up') === 2
    seen.add(String(pick(now)))
  }
  return [...seen]
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

t.test('bytes that wait for Kafka are in the metrics while their worker hangs, and while it is restarted', async t => {
  const server = await startServer(t, { env: { ...env, WORKERS: '2' } })
  const pids = workerPids(server)
  await allWorkersUp(server, 2)
  t.equal(await server.backlogBytes(), 0, 'nothing waits at first')

  await spool(t, server, 1)
  const waiting = storedBytes(server)
  const worker = waiting.findIndex(bytes => bytes > 0)
  const pid = pids[worker] ?? 0
  process.kill(pid, 'SIGSTOP')
  t.teardown(() => isAlive(pid) && process.kill(pid, 'SIGCONT'))
  const hanging = await readMetrics(server.adminUrl)
  t.equal(sumOf(hanging, 'tributary_worker_up', { worker: String(worker) }), 0, 'the worker that took the event hangs')
  t.equal(sumOf(hanging, BACKLOG), sum(waiting), 'what it has on disk waits for Kafka')
  const overview = await (await fetch(`${server.adminUrl}/api/overview`)).json()
  t.match(overview, { silent: [{ worker }], state: { backlog: { bytes: sum(waiting), maxBytes: 40_000_000 } } })

  process.kill(pid, 'SIGKILL')
  t.strictSame(await untilUp(server, now => [sumOf(now, BACKLOG), sumOf(now, 'tributary_spool_max_bytes')]), [
    `${sum(waiting)},40000000`
  ])
})

t.test('bytes in folders of former workers are in the metrics until Kafka has them', async t => {
  const server = await startServer(t, { env: { ...env, WORKERS: '3' } })
  await spool(t, server, 30)
  await server.kill('SIGTERM')
  const waiting = storedBytes(server)
  t.ok(
    waiting.slice(1).some(bytes => bytes > 0),
    'a worker that the next start does not have has events',
    { waiting }
  )
  await server.start({ env: { WORKERS: '1' } })
  t.equal(await server.backlogBytes(), sum(waiting))
  t.match(await (await fetch(`${server.adminUrl}/api/overview`)).json(), {
    state: { backlog: { bytes: sum(waiting) } }
  })
})

t.test(
  'what a killed worker counted and stored is in the metrics, although nobody has read them for seconds',
  async t => {
    const server = await startServer(t, { env: { WORKERS: '2' } })
    await allWorkersUp(server, 2)
    for (const pid of workerPids(server)) process.kill(pid, 'SIGSTOP')
    t.equal(sumOf(await readMetrics(server.adminUrl), 'tributary_ready'), 0, 'nothing is ready while all workers hang')
    for (const pid of workerPids(server)) process.kill(pid, 'SIGCONT')
    await allWorkersUp(server, 2)
    await spool(t, server, 12)
    // Reading the metrics to see whether they are there would bring them there.
    await sleep(3_000)
    for (const pid of workerPids(server)) process.kill(pid, 'SIGKILL')
    const bytes = sum(storedBytes(server, 'events'))
    t.ok(bytes > 0, 'the events are on disk', { bytes })
    const seen = await untilUp(server, now => [
      sumOf(now, 'tributary_events_total', { outcome: 'accepted' }),
      sumOf(now, 'tributary_log_bytes', { log: 'events' })
    ])
    t.strictSame(seen, [`12,${bytes}`], 'the sums are the same before, during and after the restart')
  }
)

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
