import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { assertNothingLost, choose, fillDisk, mountDisk, tellRow } from '../support/faults.ts'
import { freePort } from '../support/kafka-process.ts'
import { startLoad } from '../support/load.ts'
import { createServerProcess, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { timing, verify } from '../support/verdict.ts'

const eventsPerSecond = choose(700, 1_500)
const SLOW_MS = 5_000

/** Variables for a server without a reachable Kafka, so that everything goes to the spool. */
async function awayKafka(): Promise<{ KAFKA_BROKERS: string }> {
  return { KAFKA_BROKERS: `127.0.0.1:${await freePort()}` }
}

for (const folder of ['spool', 'events'] as const) {
  t.test(
    `the disk of ${folder}/ is full: 503 with Retry-After, 200 again within 5 s after there is space, and nothing is lost`,
    async t => {
      const disk = mountDisk(t, 16)
      const env = folder === 'spool' ? await awayKafka() : {}
      const server = await startServer(t, { dataDir: join(disk, 'data'), env })
      const load = startLoad(t, { url: server.url, eventsPerSecond })
      await until(() => load.acked.length > 500, { what: 'more than 500 acknowledged events' })
      const giveBack = fillDisk(disk, 300_000)
      await until(() => load.answers.some(({ status }) => status === 503), { what: 'a 503' })
      await sleep(choose(1_500, 10_000))
      const refused = load.answers.filter(({ status }) => status === 503)
      t.strictSame(
        refused.filter(({ retryAfter }) => !/^[1-9]\d*$/.test(retryAfter ?? '')),
        [],
        'each 503 has a valid Retry-After'
      )
      t.ok(timing(refused).slowest < 1_000)
      const before = load.acked.length
      const freed = performance.now()
      giveBack()
      await until(() => load.acked.length > before + 100, { what: '100 more acknowledged events' })
      const recoveryMs = performance.now() - freed
      t.ok(recoveryMs < SLOW_MS, `events were accepted again after ${Math.round(recoveryMs)} ms`)
      await load.stop()
      await server.kill()
      const seen = timing(load.answers)
      t.strictSame(Object.keys(seen.statuses).sort(), ['200', '503'])
      const verdict = await verify([load], { folders: [join(server.dataDir, folder)] })
      assertNothingLost(t, verdict)
      tellRow(t, `disk of ${folder}/ full`, { verdict, recoveryMs, ...seen })
    }
  )
}

t.test('a limit on the size of files causes at most some 503s: the server survives and nothing is lost', async t => {
  const under = ['prlimit', '--fsize=300000']
  const server = await startServer(t, { env: await awayKafka(), under })
  const load = startLoad(t, { url: server.url, eventsPerSecond })
  const folder = join(server.dataDir, 'spool')
  const segments = (): string[] => readdirSync(folder).filter(name => name.endsWith('.ndjson'))
  await until(() => load.acked.length > choose(1_500, 20_000), { what: 'acknowledged events', timeoutMs: 30_000 })
  await load.stop()
  await server.kill()
  t.ok(segments().length > 1)
  t.ok(segments().every(name => statSync(join(folder, name)).size <= 300_000))
  const seen = timing(load.answers)
  t.strictSame(
    Object.keys(seen.statuses).filter(status => !['200', '503'].includes(status)),
    []
  )
  t.ok(seen.longestGap < SLOW_MS, `the longest time without a 200 was ${Math.round(seen.longestGap)} ms`)
  const verdict = await verify([load], { folders: [folder] })
  assertNothingLost(t, verdict)
  tellRow(t, 'limit on file size', { verdict, ...seen })
})

// One thread for files, so that a fault in the n-th call hits the n-th call.
const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' }
const strace = (...options: string[]): string[] => ['strace', '-D', '-f', '-qq', '-o', '/dev/null', ...options]

t.test(
  'a server that is killed between write and fsync, at the n-th fsync, loses nothing that was acknowledged',
  async t => {
    const points = choose(
      [1, 2, 3, 8, 21],
      Array.from({ length: 50 }, (_, at) => at + 1)
    )
    const server = await createServerProcess(t, { env: { ...(await awayKafka()), ...ONE_THREAD } })
    const loads = []
    for (const n of points) {
      const inject = ['-e', 'trace=fdatasync', '-e', `inject=fdatasync:signal=SIGKILL:when=${n}`]
      // The first ones are those of the start itself.
      const started = await server.start({ under: strace(...inject) }).then(
        () => true,
        () => false
      )
      if (!started) continue
      const load = startLoad(t, { url: server.url, eventsPerSecond: 300, connections: 16 })
      t.match(await server.ended(), { signal: 'SIGKILL' }, `the server was killed at fsync ${n}`)
      await load.stop(0)
      loads.push(load)
    }
    const verdict = await verify(loads, { folders: [join(server.dataDir, 'spool')] })
    assertNothingLost(t, verdict)
    tellRow(t, 'killed between write and fsync', { verdict, points: points.length })
  }
)

t.test('a failed fsync is a 503 and never a 200; the server survives, and continues when the disk works', async t => {
  const inject = ['--seccomp-bpf', '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=30..34']
  const server = await startServer(t, { env: { ...(await awayKafka()), ...ONE_THREAD }, under: strace(...inject) })
  const load = startLoad(t, { url: server.url, eventsPerSecond: 300 })
  await until(() => load.answers.some(({ status }) => status === 503), { what: 'a 503', timeoutMs: 20_000 })
  const isWell = (): boolean => load.answers.at(-1)?.status === 200
  await until(isWell, { what: 'a successful request', timeoutMs: 20_000 })
  await sleep(1_000)
  await load.stop()
  await server.kill()
  const seen = timing(load.answers)
  t.strictSame(Object.keys(seen.statuses).sort(), ['200', '503'])
  t.match(server.stderr, /EIO/)
  const verdict = await verify([load], { folders: [join(server.dataDir, 'spool')] })
  assertNothingLost(t, verdict)
  tellRow(t, 'EIO on fsync', { verdict, ...seen })
})
