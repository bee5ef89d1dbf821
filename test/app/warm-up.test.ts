import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/app.ts'
import { readMetrics } from '../support/metrics.ts'
import { ownFolder } from '../support/own-folder.ts'
import { createServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

/** A few requests, and time for a machine with much to do. */
const FEW = { singles: 16, batches: 8, milliseconds: 30_000 }

/** The server's own counters; not those of the process, and not gauges such as the server's age. */
async function counters(adminUrl: string): Promise<readonly string[]> {
  const samples = await readMetrics(adminUrl)
  return samples
    .filter(({ name }) => /^tributary_.*_(?:total|count|sum|bucket)$/.test(name))
    .map(sample => JSON.stringify(sample))
}

const files = (dir: string): readonly string[] => readdirSync(dir, { recursive: true }).map(String).toSorted()

const listeners = (): number => process.getActiveResourcesInfo().filter(name => name === 'TCPServerWrap').length

t.test('sample events pass through the whole code of a request, and nothing of them is left', async t => {
  const { app, sink, adminUrl, dir } = await startApp(t)
  const before = { counters: await counters(adminUrl), files: files(dir), listeners: listeners() }
  t.ok((await app.warmUp(FEW)) > 0, 'requests are accepted')
  t.strictSame({ counters: await counters(adminUrl), files: files(dir), listeners: listeners() }, before)
  t.equal(sink.records.length, 0)
  t.equal(app.debugger.nextSeq(), 1, 'the debugger has seen no event')
})

t.test('limits for clients do not keep a start from its end', async t => {
  const limits: Record<string, string>[] = [
    { MAX_CONNECTIONS: '1' },
    { MAX_CONNECTIONS_PER_IP: '1' },
    { MAX_BATCH_BYTES: '1KiB' }
  ]
  for (const env of limits) {
    const { app } = await startApp(t, { env })
    t.ok((await app.warmUp(FEW)) > 0, JSON.stringify(env))
  }
  const { app } = await startApp(t, { env: { MAX_EVENT_BYTES: '10B' } })
  t.equal(await app.warmUp(FEW), 0, 'no sample is accepted, and the server works')
})

t.test('the longest duration holds', async t => {
  const { app } = await startApp(t)
  const endless = Number.MAX_SAFE_INTEGER
  t.type(await app.warmUp({ singles: endless, batches: endless, milliseconds: 1 }), 'number', 'it ends')
})

t.test('a server that is killed has kept its compiled code for the next start', async t => {
  const cache = join(ownFolder(t), 'compiled')
  const env = { WARM_UP: 'on', NODE_COMPILE_CACHE: cache }
  const server = await createServerProcess(t, { env })
  await server.start()
  const isKept = (): boolean => files(cache).length > 100
  await until(isKept, { what: 'compiled code', seen: () => files(cache).join(' ').slice(0, 500) })
  t.equal(await server.accepts(60_000).then(() => true), true)
  t.notMatch(await (await fetch(`${server.adminUrl}/metrics`)).text(), /warm-up/)
  t.notMatch(server.stderr, /warm-up/)
  await server.kill('SIGKILL')
  t.ok(isKept())
})
