import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { pino } from 'pino'
import { MAIN, run } from '../../cli/run.ts'
import { post, startApp } from '../../support/app.ts'

/** A folder that two servers use one after the other; t.testdir() would empty it. */
function dataDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-catalogue-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  return dir
}

const SECRET = 'a-value-that-must-not-stay'

t.test('published events are in the catalogue of the server, also after a restart, and make a plan', async t => {
  const env = { DATA_DIR: dataDir(t) }
  const first = await startApp(t, { env })
  const context = { library: { name: 'analytics.js', version: '2.1.0' } }
  const track = (event: string) => ({ type: 'track', userId: 'u', event, properties: { id: SECRET, total: 1 } })
  await post(`${first.url}/v1/batch`, {
    context,
    batch: [track('Order'), track('Order'), { type: 'track', event: 'Refused' }]
  })
  await post(`${first.url}/v1/identify`, { userId: 'u', traits: { age: 5 } })
  const read = async (adminUrl: string, query = '') =>
    (await (await fetch(`${adminUrl}/api/catalogue${query}`)).json()) as { events: { name: string }[]; dropped: number }
  const seen = await read(first.adminUrl, '?source=web')
  t.match(seen, {
    dropped: 0,
    events: [
      {
        type: 'track',
        name: 'Order',
        events: 2,
        sdks: { 'analytics.js 2.1.0': 2 },
        properties: { '/properties/total': { types: { integer: 2 } } }
      },
      { type: 'identify', name: '', events: 1 }
    ]
  })
  t.equal(seen.events.length, 2, 'the catalogue has no refused event')
  t.strictSame((await read(first.adminUrl, '?source=shop')).events, [])

  const { code, stdout, stderr } = await run(process.execPath, [MAIN, 'plan', 'infer', '--admin', first.adminUrl], {
    cwd: first.dir
  })
  t.equal(code, 0, stderr)
  t.match(JSON.parse(stdout), {
    rules: [
      { type: 'identify' },
      {
        type: 'track',
        event: 'Order',
        schema: { properties: { properties: { properties: { total: { type: 'integer' } } } } }
      }
    ]
  })
  t.match(stderr, /^2 rules from 3 events$/m)

  await first.app.close()
  const file = join(env.DATA_DIR, 'catalogue.json')
  t.notMatch(readFileSync(file, 'utf8'), SECRET)
  const second = await startApp(t, { env })
  t.strictSame((await read(second.adminUrl)).events, seen.events)
})

t.test('a catalogue that cannot be read is started again, and the log says so', async t => {
  const lines: string[] = []
  const logger = pino({ level: 'warn' }, { write: line => void lines.push(line) })
  const env = { DATA_DIR: dataDir(t) }
  const server = await startApp(t, { env, logger })
  await post(`${server.url}/v1/track`, { userId: 'u', event: 'Order' })
  await server.app.close()
  writeFileSync(join(env.DATA_DIR, 'catalogue.json'), '{"version":1,"events":[{')
  const again = await startApp(t, { env, logger })
  t.equal((await fetch(`${again.adminUrl}/api/catalogue`)).status, 200)
  t.match(lines.join(''), /the catalogue cannot be read, and is begun anew/)
})
