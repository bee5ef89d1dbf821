import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { assertNothingLost, choose, tellRow } from '../support/faults.ts'
import { startLoad } from '../support/load.ts'
import { createServerProcess, SOURCES, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { timing, verify } from '../support/verdict.ts'

t.test(
  'a key file that is half written, empty, broken or missing under load causes no 401 and loses nothing',
  async t => {
    const server = await startServer(t)
    const { configFile } = server
    const load = startLoad(t, { url: server.url, eventsPerSecond: choose(500, 1_500) })
    await until(() => load.acked.length > 100, { what: 'more than 100 acknowledged events' })
    const whole = `sources:\n  - id: other\n    writeKeys: [wk_other]\n${SOURCES.replace('sources:\n', '')}`
    for (const content of [whole.slice(0, whole.indexOf('wk_test')), '', 'sources: [', undefined, SOURCES]) {
      if (content === undefined) rmSync(configFile)
      else writeFileSync(configFile, content.slice(0, content.length / 2))
      await sleep(choose(900, 1_000))
      if (content !== undefined) writeFileSync(configFile, content)
      // Long enough to be applied, except the first: its other half follows within a second.
      await sleep(content?.includes('wk_other') ? 0 : choose(1_600, 4_000))
      if (content?.includes('wk_other')) writeFileSync(configFile, whole)
    }
    writeFileSync(`${configFile}.new`, whole)
    renameSync(`${configFile}.new`, configFile)
    const knows = (): boolean => readFileSync(configFile, 'utf8') === whole
    await until(knows, { what: 'the whole new file' })
    await until(async () => (await statusFor(server.url, 'wk_other')) === 200, { what: 'the new key to be accepted' })
    await load.stop()
    await server.kill()
    const seen = timing(load.answers)
    t.strictSame(Object.keys(seen.statuses), ['200'], 'no request with a valid key was refused')
    const verdict = await verify([load], { folders: [join(server.dataDir, 'events')] })
    assertNothingLost(t, verdict)
    tellRow(t, 'key file half written, empty, broken, gone', { verdict, ...seen })
  }
)

async function statusFor(url: string, key: string): Promise<number> {
  const body = JSON.stringify({ userId: 'probe', event: 'Probe', writeKey: key })
  return (await fetch(`${url}/v1/track`, { method: 'POST', body })).status
}

t.test('a second SIGTERM, in the same second or later, loses nothing that was acknowledged, under load', async t => {
  const server = await startServer(t)
  const load = startLoad(t, { url: server.url, eventsPerSecond: choose(500, 1_500) })
  for (let life = 0; life < choose(2, 5); life++) {
    const before = load.acked.length
    await until(() => load.acked.length > before + 300, { what: '300 more acknowledged events' })
    const exiting = server.kill('SIGTERM')
    process.kill(server.pid, 'SIGTERM')
    t.ok((await exiting).milliseconds < 2_000)
    await server.start()
  }
  await load.stop()
  await server.kill()
  const verdict = await verify([load], { folders: [join(server.dataDir, 'events')] })
  assertNothingLost(t, verdict)
  tellRow(t, 'SIGTERM twice', { verdict, ...timing(load.answers) })
})

t.test('a second server on the same data folder is refused with one line, also directly after a kill -9', async t => {
  const first = await startServer(t)
  // Every server is process 1 of its container, so a process id identifies none.
  const under = ['unshare', '--pid', '--fork', '--kill-child']
  const second = await createServerProcess(t, { dir: first.dir, dataDir: first.dataDir })
  await t.rejects(second.start(), {
    message: /^the server ended: tributary: data folder .* is in use by another server.*$/
  })
  await t.rejects(second.start({ under }), { message: /is in use by another server/ })
  await first.kill()
  await second.start({ under: [] })
  await t.rejects(first.start(), { message: /is in use by another server/ })
  t.equal((await second.readyz()).status, 200)
})
