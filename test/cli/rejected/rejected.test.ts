import t from 'tap'
import type { Test } from 'tap'
import { join } from 'node:path'
import { post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

const config = `
sources:
  - { id: web, writeKeys: [wk_test] }
  - { id: shop, writeKeys: [wk_shop] }
`

const events = [
  { type: 'track', event: 'No user', messageId: 'm1', properties: { id: 1 } },
  { type: 'track', event: 'No user either', properties: { price: 1 } },
  { type: 'track', userId: 42, event: 'Number', messageId: 'm3', timestamp: '2026-11-01T10:00:00Z' },
  { type: 'track', userId: 'u', event: 'Late', messageId: 'm4', timestamp: 'yesterday' },
  { type: 'page', name: 'Home', messageId: 'm5', context: { library: { name: 'analytics.js', version: '2.1' } } }
]

type Rejected = (command: string, ...args: string[]) => Promise<Finished>

/** A server with the event log and some refused events, and the command line. */
async function start(t: Test): Promise<TestApp & { readonly rejected: Rejected }> {
  const app = await startApp(t, { config, sink: 'configured' })
  // Written as text, because JSON.stringify would spell these numbers differently.
  const exact = `{"type":"track","event":"Exact","messageId":"m6","properties":{"big":12345678901234567890,"one":1.0}}`
  const web = `{"batch":[${[...events.map(event => JSON.stringify(event)), exact].join()}]}`
  await post(`${app.url}/v1/batch`, web)
  await post(
    `${app.url}/v1/track`,
    { event: 'No type', messageId: 's1' },
    { authorization: `Basic ${btoa('wk_shop:')}` }
  )
  const env = { CONFIG_FILE: join(app.dir, 'tributary.yml'), DATA_DIR: join(app.dir, 'data') }
  const rejected: Rejected = (command, ...args) =>
    run(process.execPath, [MAIN, 'rejected', command, ...args], { cwd: app.dir, env })
  return { ...app, rejected }
}

async function accepted(t: Test, { dir }: TestApp): Promise<Record<string, unknown>[]> {
  const { readdirSync, readFileSync } = await import('node:fs')
  const folder = join(dir, 'data', 'events')
  const names = readdirSync(folder).filter(name => name.endsWith('.ndjson'))
  const lines = names.flatMap(name => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
  t.comment(`the list has ${lines.length} lines`)
  return lines.map(line => ({ ...(JSON.parse(line) as Record<string, unknown>), line }))
}

t.test('list counts by reason, with sources, SDKs and samples', async t => {
  const { rejected } = await start(t)
  const { code, stdout, stderr } = await rejected('list', '--samples', '1')
  t.strictSame([code, stderr], [0, ''])
  t.match(stdout, /^7 rejected events\n/)
  t.match(stdout, /no_user_anon_id: 5 \(userId or anonymousId must be a non-empty string\)/)
  t.match(stdout, /sources {3}web, shop\n {2}SDKs {6}unknown, analytics.js 2.1\n/)
  t.match(stdout, /id_not_string: 1 .*\n.*\n.*\n.*\n {2}\S+ web \/userId \{"type":"track","userId":42/)
  t.equal(stdout.match(/\{"/g)?.length, 3, 'each reason has one sample')
  const { stdout: more } = await rejected('list', '--samples', '9')
  t.match(more, '"properties":{"big":12345678901234567890,"one":1.0}', 'numbers keep their spelling')
})

t.test('list takes filters, and gives the records themselves as JSON', async t => {
  const { rejected } = await start(t)
  const ids = async (...args: string[]): Promise<unknown[]> => {
    const { code, stdout } = await rejected('list', '--json', ...args)
    t.equal(code, 0)
    const records = stdout.split('\n').slice(0, -1)
    return records.map(line => (JSON.parse(line) as { event: { messageId?: string } }).event.messageId)
  }
  t.strictSame(await ids(), ['m1', undefined, 'm3', 'm4', 'm5', 'm6', 's1'])
  t.strictSame(await ids('--source', 'shop'), ['s1'])
  t.strictSame(await ids('--code', 'id_not_string'), ['m3'])
  t.strictSame(await ids('--library', 'analytics.js'), ['m5'])
  t.strictSame(await ids('--type', 'page'), ['m5'])
  t.strictSame(await ids('--event', 'Late'), ['m4'])
  t.strictSame(await ids('--limit', '2'), ['m1', undefined])
  t.strictSame(await ids('--until', '2026-11-23T12:00:00Z'), [])
  t.strictSame((await ids('--since', '2026-11-23T12:00:00Z')).length, 7)
})

t.test('retry sends nothing until it is told to, and shows what would happen to the events', async t => {
  const app = await start(t)
  const { code, stdout, stderr } = await app.rejected('retry', '--set', 'anonymousId=unknown')
  t.equal(code, 0)
  t.match(stdout, /"messageId":"m1","properties":\{"id":1\},"anonymousId":"unknown"/)
  t.match(stderr, /7 rejected events, 5 of them can be sent\n/)
  t.match(stderr, / {2}1 left: refused again: id_not_string/)
  t.match(stderr, / {2}1 left: refused again: timestamp_invalid/)
  t.match(stderr, /Nothing was sent: add --send/)
  t.strictSame(await accepted(t, app), [])
})

t.test('with retry --send the changed events are accepted once, with their own ids, times and numbers', async t => {
  const app = await start(t)
  const send = ['--send', '--url', app.url, '--set', 'anonymousId=unknown', '--set', 'properties.by="42"']
  for (const attempt of ['first', 'second']) {
    const { code, stderr } = await app.rejected('retry', ...send)
    t.equal(code, 0, `the ${attempt} run succeeds: ${stderr}`)
    t.match(stderr, /7 rejected events, 5 of them sent/)
  }
  const found = await accepted(t, app)
  t.equal(found.length, 5, 'the second run causes only duplicates')
  const [first, second, , exact, noType] = found
  t.match(first, { messageId: 'm1', anonymousId: 'unknown', properties: { id: 1, by: '42' }, projectId: 'web' })
  t.match(second, { messageId: /^retry-[0-9a-f]{32}$/, timestamp: '2026-11-23T12:00:00.000Z' })
  t.match(exact, { line: /"properties":\{"big":12345678901234567890,"one":1\.0,"by":"42"\}/ })
  t.match(noType, { type: 'track', messageId: 's1', projectId: 'shop' })
})

t.test('retry removes a field with null, and keeps the time of a late client', async t => {
  const app = await start(t)
  const [code, set] = ['timestamp_invalid', 'timestamp=null']
  t.equal((await app.rejected('retry', '--send', '--url', app.url, '--code', code, '--set', set)).code, 0)
  const numbers = ['--code', 'id_not_string', '--set', 'userId="42"', '--set', 'sentAt=2026-11-01T10:00:05Z']
  t.equal((await app.rejected('retry', '--send', '--url', app.url, ...numbers)).code, 0)
  const [late, number] = await accepted(t, app)
  t.match(late, { messageId: 'm4', timestamp: '2026-11-23T12:00:00.000Z' })
  t.match(number, {
    messageId: 'm3',
    userId: '42',
    originalTimestamp: '2026-11-01T10:00:00Z',
    timestamp: '2026-11-23T11:59:55.000Z'
  })
})

t.test('retry corrects a time as the server does: finer digits stay, and a zero time counts as missing', async t => {
  const app = await startApp(t, { config, sink: 'configured' })
  const env = { CONFIG_FILE: join(app.dir, 'tributary.yml'), DATA_DIR: join(app.dir, 'data') }
  const [own, zero] = ['2026-11-23T13:59:50.1234567Z', '0001-01-01T00:00:00Z']
  const times = [
    { timestamp: own, sentAt: '2026-11-23T14:00:00Z' },
    { timestamp: own, sentAt: zero },
    { timestamp: zero, sentAt: '2026-11-23T14:00:00Z' }
  ]
  const batch = times.map((time, i) => ({ type: 'page', messageId: `t${i}`, ...time }))
  await post(`${app.url}/v1/batch`, { batch: [...batch, { type: 'page', messageId: ' \u00a0' }] })
  const args = ['--set', 'anonymousId=unknown', '--send', '--url', app.url]
  await run(process.execPath, [MAIN, 'rejected', 'retry', ...args], { cwd: app.dir, env })
  const found = await accepted(t, app)
  t.match(
    found.map(({ messageId, timestamp }) => [messageId, timestamp]),
    [
      ['t0', '2026-11-23T11:59:50.1234567Z'],
      ['t1', own],
      ['t2', '2026-11-23T12:00:00.000Z'],
      [/^retry-[0-9a-f]{32}$/, '2026-11-23T12:00:00.000Z']
    ]
  )
})

t.test('single calls are found by the type of their path, and retry sends them as that type', async t => {
  const app = await startApp(t, { config, sink: 'configured' })
  const env = { CONFIG_FILE: join(app.dir, 'tributary.yml'), DATA_DIR: join(app.dir, 'data') }
  const rejected: Rejected = (command, ...args) =>
    run(process.execPath, [MAIN, 'rejected', command, ...args], { cwd: app.dir, env })
  await post(`${app.url}/v1/identify`, { messageId: 'i1', traits: { plan: 'free' } })
  await post(`${app.url}/v1/i`, { messageId: 'i2', type: 'page', traits: { plan: 'paid' } })
  await post(`${app.url}/v1/group`, { messageId: 'g1', groupId: 'g' })
  await post(`${app.url}/v1/batch`, { batch: [{ messageId: 'b1', type: 'nothing', userId: 'u' }] })
  const listed = async (type: string): Promise<unknown[]> => {
    const { stdout } = await rejected('list', '--json', '--type', type)
    const records = stdout.split('\n').slice(0, -1)
    return records.map(line => (JSON.parse(line) as { event: { messageId?: string } }).event.messageId)
  }
  t.strictSame(await listed('identify'), ['i1', 'i2'])
  t.strictSame(await listed('group'), ['g1'])
  t.strictSame(await listed('page'), [], 'a type in the body of a single call is ignored')
  t.strictSame(await listed('unknown'), ['b1'])

  const { stderr } = await rejected('retry', '--set', 'anonymousId=unknown', '--send', '--url', app.url)
  t.match(
    stderr,
    /4 rejected events, 3 of them sent: 3 accepted, 0 duplicates\n {2}1 left: refused again: type_invalid/
  )
  const set = ['--type', 'unknown', '--set', 'type=page']
  t.match((await rejected('retry', ...set, '--send', '--url', app.url)).stderr, /1 rejected events, 1 of them sent/)
  t.match(
    (await accepted(t, app)).map(({ type, messageId }) => [type, messageId]),
    [
      ['identify', 'i1'],
      ['identify', 'i2'],
      ['group', 'g1'],
      ['page', 'b1']
    ]
  )
})

t.test('invalid arguments are named, and a request that cannot be sent is an error', async t => {
  const { rejected } = await start(t)
  const cases: [args: string[], exit: number, says: RegExp][] = [
    [['list', '--code', 'nope'], 2, /--code: there is no "nope"; /],
    [['list', '--code', 'origin_not_allowed'], 2, /origin_not_allowed refuses whole requests, which are not stored/],
    [['list', '--type', 'trak'], 2, /--type: there is no "trak"; did you mean "track"\?/],
    [['list', '--type', 'Track'], 2, /did you mean "track"\?/],
    [['list', '--type', 'purchase'], 2, /there are: identify, track, page, screen, group, alias, unknown/],
    [['retry', '--type', 'pages'], 2, /did you mean "page"\?/],
    [['list', '--since', 'yesterday'], 2, /--since must be a time/],
    [['list', '--limit', '0'], 2, /--limit/],
    [['list', '--samples', 'x'], 2, /--samples/],
    [['list', '--from', 'kafka'], 2, /KAFKA_BROKERS/],
    [['list', '--from', 'disk'], 2, /kafka or log/],
    [['retry', '--set', 'x'], 2, /path=value/],
    [['retry', '--set', '__proto__.x=1'], 2, /is not a path/],
    [['retry', '--set', 'userId=u', '--send', '--url', 'http://127.0.0.1:9'], 1, /cannot be reached/]
  ]
  for (const [args, exit, says] of cases) {
    const { code, stderr } = await rejected(args[0] ?? '', ...args.slice(1))
    t.match([code, stderr], [exit, says], args.join(' '))
  }
})
