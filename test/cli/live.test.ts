import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { post, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { MAIN, run } from './run.ts'
import type { Finished } from './run.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }
const PASSWORD = 'right horse'

interface Setup {
  readonly server: TestApp
  readonly env: Record<string, string>
  tributary(...args: string[]): Promise<Finished>
}

async function setUp(t: Test): Promise<Setup> {
  const server = await startApp(t, { clock, sink: 'configured', env: { ADMIN_PASSWORD: PASSWORD } })
  const env = {
    PORT: new URL(server.url).port,
    ADMIN_PORT: new URL(server.adminUrl).port,
    ADMIN_PASSWORD: PASSWORD,
    CONFIG_FILE: join(server.dir, 'tributary.yml'),
    DATA_DIR: join(server.dir, 'data')
  }
  return { server, env, tributary: (...args) => run(process.execPath, [MAIN, ...args], { cwd: server.dir, env }) }
}

const track = ({ server }: Setup, event: string, more: object = {}) =>
  post(`${server.url}/v1/track`, { userId: 'user-1', event, ...more })

t.test('tail begins with the last events, then shows new events, and applies the filters', async t => {
  const setup = await setUp(t)
  for (const event of ['One', 'Two', 'Three']) await track(setup, event)
  const child = spawn(process.execPath, [MAIN, 'tail', '--event', 'T*', '--last', '1', '--count', '2', '--json'], {
    cwd: setup.server.dir,
    env: { ...process.env, ...setup.env }
  })
  t.teardown(() => child.kill('SIGKILL'))
  let out = ''
  child.stdout.on('data', (text: Buffer) => (out += text.toString()))
  await until(() => out.includes('\n'), { what: 'the first line' })
  await track(setup, 'Other')
  await track(setup, 'Ten')
  const [code] = (await once(child, 'close')) as [number]
  t.equal(code, 0)
  const rows = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { name: string; outcome: string })
  t.strictSame(
    rows.map(({ name, outcome }) => [name, outcome]),
    [
      ['Three', 'accepted'],
      ['Ten', 'accepted']
    ]
  )
})

t.test('tail waits for a server that stops, and misses no event of the next one', async t => {
  const server = await startServer(t)
  const env = { PATH: process.env['PATH'], ADMIN_PORT: new URL(server.adminUrl).port }
  const child = spawn(process.execPath, [MAIN, 'tail', '--count', '4', '--json'], { cwd: server.dir, env })
  t.teardown(() => child.kill('SIGKILL'))
  let [out, notes] = ['', '']
  child.stdout.on('data', (text: Buffer) => (out += text.toString()))
  child.stderr.on('data', (text: Buffer) => (notes += text.toString()))
  const names = () => [...out.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name)
  const send = (event: string) => post(`${server.url}/v1/track`, { userId: 'u', event })
  await send('One')
  await send('Two')
  await until(() => names().length === 2, { what: 'the first events' })
  const closed = once(child, 'close')
  await server.kill()
  await until(() => notes.includes('waiting for it'), { what: 'the message that the server is gone' })
  await server.start()
  await send('Three')
  await until(() => names().length === 3, { what: 'an event of the new server' })
  await server.kill('SIGTERM')
  await server.start()
  await send('Four')
  t.strictSame([(await closed)[0], names()], [0, ['One', 'Two', 'Three', 'Four']])
  t.equal(notes.match(/the server is back/g)?.length, 2)
})

t.test('tail for people prints one line for each event, and nothing that a terminal would execute', async t => {
  const setup = await setUp(t)
  await track(setup, 'red \u001b[31m alert')
  await post(`${setup.server.url}/v1/track`, { event: 'Nobody' })
  const { stdout, code } = await setup.tributary('tail', '--count', '2')
  t.equal(code, 0)
  t.notOk(stdout.includes('\u001b'))
  t.match(stdout, /accepted {6}track "red \?\[31m alert" {2}user user-1 {2}web/)
  t.match(stdout, /rejected {6}track "Nobody" {2}no_user_anon_id {2}user - {2}web/)
})

t.test('send sends a valid event of any type and prints the answer', async t => {
  const setup = await setUp(t)
  for (const type of ['track', 'identify', 'page', 'screen', 'group', 'alias']) {
    const { code, stdout } = await setup.tributary('send', type, '--id', `id-${type}`)
    t.strictSame([code, stdout], [0, '200 {"success":true}\n'], type)
  }
  const bad = await setup.tributary('send', 'track', '--event', '', '--properties', '[1]')
  t.equal(bad.code, 1)
  t.match(bad.stdout, /^400 .*event_not_string/)
  t.match(await setup.tributary('send', 'trakc'), { code: 2, stderr: /"trakc" is not a type/ })
  t.match(await setup.tributary('send', 'track', '--traits', '{'), { code: 2, stderr: /--traits is not JSON/ })
  t.match(await setup.tributary('send', 'track', '--key', 'wk_nobody'), { code: 1, stdout: /^401 / })
})

t.test('trace shows the journey of an event, from memory or from the log', async t => {
  const setup = await setUp(t)
  await track(setup, 'Traced', { messageId: 'trace-me' })
  const known = await setup.tributary('trace', 'trace-me')
  t.equal(known.code, 0)
  t.match(known.stdout, /memory: 1 found/)
  t.match(known.stdout, /published {2}the event is durable: events\/\S+\.ndjson, byte 0/)
  const headers = { authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}` }
  await fetch(`${setup.server.adminUrl}/api/events`, { method: 'DELETE', headers })
  const logged = await setup.tributary('trace', 'trace-me')
  t.match(logged.stdout, /the log on disk: 1 found in \d+ ms\n\nevents\/\S+\.ndjson, byte 0, line 1\n {2}\{/)
  const never = await setup.tributary('trace', 'never-sent')
  t.match(never, { code: 1, stderr: /no event with this messageId is known/ })
  t.match(await setup.tributary('trace', ''), { code: 2, stderr: /MESSAGE_ID is empty/ })
  t.match(await setup.tributary('trace', 'a'.repeat(101)), { code: 1, stderr: /no event with this messageId is known/ })
  t.match(await setup.tributary('trace', 'a'.repeat(501)), { code: 1, stderr: /at most 500 characters/ })
})

t.test('a command says so if it cannot reach the server or has the wrong password', async t => {
  const { server, env } = await setUp(t)
  const ask = (more: Record<string, string>) =>
    run(process.execPath, [MAIN, 'tail', '--count', '1'], { cwd: server.dir, env: { ...env, ...more } })
  t.match(await ask({ ADMIN_PORT: '64998' }), {
    code: 1,
    stderr: /cannot be reached \(ECONNREFUSED\): is the server running/
  })
  t.match(await ask({ ADMIN_PASSWORD: 'wrong' }), { code: 1, stderr: /answered 401: .*set ADMIN_PASSWORD/ })
})
