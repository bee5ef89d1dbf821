import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CONFIG, post, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { until } from '../support/until.ts'
import { MAIN, run } from '../cli/run.ts'

const GONE = 'user-who-is-gone'
const SUPPRESSING = `${CONFIG}\nsuppress:\n  users: [${GONE}]\n`

type Row = Record<string, unknown>

async function api<T = Row>(url: string, init: RequestInit = {}): Promise<T> {
  return (await (await fetch(url, init)).json()) as T
}

async function rows({ adminUrl }: TestApp): Promise<Row[]> {
  return (await api<{ events: Row[] }>(`${adminUrl}/api/events?detail=true`)).events
}

/** All output of the server, and every record that it has published. */
async function allText(server: TestApp): Promise<string> {
  const { adminUrl, sink } = server
  const paths = ['/metrics', '/api/events?detail=true', '/api/rejections', '/api/outcomes', '/api/suppressions']
  const texts = await Promise.all(paths.map(async path => (await fetch(adminUrl + path)).text()))
  return [...texts, ...sink.records.map(({ line, key, messageId }) => `${line.toString()} ${key} ${messageId}`)].join(
    '\n'
  )
}

t.test('An event of a suppressed user is answered with 200, counted, and stored nowhere', async t => {
  const secret = 'a-value-that-must-not-stay'
  const members = { event: 'Bought', properties: { secret }, messageId: `m-${GONE}` }
  const server = await startApp(t, { config: SUPPRESSING })
  for (const [path, body] of [
    ['track', { userId: GONE, ...members }],
    ['track', { anonymousId: GONE, ...members }],
    ['track', { userId: 'somebody', anonymousId: GONE, ...members }],
    ['alias', { userId: 'somebody', previousId: GONE, context: { secret } }],
    ['batch', { batch: [{ type: 'track', userId: GONE, ...members }] }],
    ['batch', { batch: [{ type: 'track', userId: GONE, ...members }], context: { app: { name: 'shop' } } }]
  ] as const) {
    const { status, body: answer } = await post(`${server.url}/v1/${path}`, body)
    t.equal(status, 200, path)
    t.strictSame(answer, { success: true })
    const [row] = await rows(server)
    t.match(row, { outcome: 'suppressed', user: '', received: '', published: null, messageId: '' })
    t.match(JSON.stringify(row?.['journey']), /suppress: one of its ids is on the suppression list/)
  }
  t.equal(server.sink.records.length, 0)
  const text = await allText(server)
  t.match(text, /tributary_events_total\{source="web",type="track",outcome="suppressed",code=""\} 5/)
  t.match(text, /tributary_governed_events_total\{source="web",rule="suppress"\} 6/)
  t.notMatch(text, new RegExp(`${secret}|${GONE}`))
})

t.test('The other events of a batch are published byte for byte as without the list', async t => {
  const batch = `{"batch": [{"type":"track","userId":"${GONE}","event":"x","properties":{"n":1.10}},
 {"type":"track","userId":"other","event":"x","properties":{"n": 12345678901234567890,"m":1.10,"e":"\\u0041"}, "messageId":"m1"}]}`
  const published: string[][] = []
  for (const config of [CONFIG, SUPPRESSING]) {
    await t.test('with and without', async t => {
      const server = await startApp(t, { config })
      t.equal((await post(`${server.url}/v1/batch`, batch)).status, 200)
      published.push(server.sink.records.map(({ line }) => line.toString()))
    })
  }
  const [plain, suppressing] = published
  t.equal(plain?.length, 2)
  t.strictSame(suppressing, plain?.slice(1))
})

t.test('A suppressed event does not claim its messageId, so another user may use it', async t => {
  const server = await startApp(t, { config: SUPPRESSING })
  const event = { event: 'x', messageId: 'same' }
  await post(`${server.url}/v1/track`, { ...event, userId: GONE })
  await post(`${server.url}/v1/track`, { ...event, userId: 'other' })
  t.equal(server.sink.records.length, 1)
})

t.test('An unreadable body of a suppressed user is refused without its payload', async t => {
  const secret = 'a-value-that-must-not-stay'
  const server = await startApp(t, { config: SUPPRESSING, env: { VALIDATION: 'compatible' } })
  for (const [name, body] of [
    ['an event that breaks the contract', `{"batch":[{"type":"track","userId":"${GONE}","properties":"${secret}"}]}`],
    [
      'an event that is not JSON',
      `{"batch":[{"type":"track","userId":"${GONE}","properties":{"a":NaN,"b":"${secret}"}}]}`
    ],
    [
      'a key that occurs twice',
      `{"batch":[{"type":"track","userId":"${GONE}","${secret}":1,"event":"e","${secret}":2}]}`
    ],
    ['an id that is escaped', `{"batch":[{"type":"track","userId":"\\u0075${GONE.slice(1)}","x":"${secret}"}]}`],
    ['a body that is not JSON', `{"batch":[{"type":"track","userId":"${GONE}","b":"${secret}"`],
    ['a body in single quotes', `{'userId': '${GONE}', 'b': '${secret}'}`],
    ['a form', `userId=${GONE}&b=${secret}`]
  ] as const) {
    const { status } = await post(`${server.url}/v1/batch`, body)
    t.equal(status, 400, name)
    t.notMatch(await allText(server), new RegExp(`${secret}|${GONE}`), name)
  }
  const kept = server.sink.records.map(({ line }) => JSON.parse(line.toString()) as Row)
  t.ok(kept.length > 0 && kept.every(({ event, body }) => event === null && body === undefined))
})

t.test('An event over the rate of its source does not show the payload of a suppressed user', async t => {
  const server = await startApp(t, { config: SUPPRESSING })
  const key = { authorization: `Basic ${Buffer.from('wk_slow:').toString('base64')}` }
  const batch = Array.from({ length: 2000 }, () => ({ type: 'track', userId: GONE, event: 'x' }))
  await post(`${server.url}/v1/batch`, { batch }, key)
  const { status } = await post(`${server.url}/v1/batch`, { batch }, key)
  t.equal(status, 429)
  t.notMatch(await (await fetch(`${server.adminUrl}/api/events?detail=true&limit=5`)).text(), new RegExp(GONE))
})

t.test('Without a list, and for users who are not on it, nothing changes', async t => {
  for (const config of [CONFIG, SUPPRESSING, `${CONFIG}\nsuppress:\n`]) {
    const server = await startApp(t, { config })
    const { status } = await post(`${server.url}/v1/track`, {
      userId: `${GONE}2`,
      anonymousId: GONE.toUpperCase(),
      event: 'x'
    })
    t.equal(status, 200)
    t.equal(server.sink.records.length, 1)
    t.match((await rows(server))[0], { outcome: 'accepted' })
  }
})

const outcomeOf = async (server: TestApp, userId: string): Promise<unknown> => {
  await post(`${server.url}/v1/track`, { userId, event: 'x' })
  return (await rows(server))[0]?.['outcome']
}

t.test(
  'A command, the API and an edit of either file are in force within 2 s, and store no id in plain text',
  async t => {
    const server = await startApp(t)
    const config = join(server.dir, 'tributary.yml')
    const list = join(server.dir, 'suppressed.txt')
    const command = (...args: string[]) =>
      run(process.execPath, [MAIN, 'suppress', ...args, '--file', config], { cwd: server.dir })

    t.equal((await command('add', 'by-command')).code, 0)
    await until(async () => (await outcomeOf(server, 'by-command')) === 'suppressed', {
      what: 'events of by-command to be suppressed'
    })
    t.notMatch(readFileSync(list, 'utf8'), /by-command/)
    t.match((await command('list')).stdout, /^sha256:[0-9a-f]{64}\n$/)

    const answer = await api(`${server.adminUrl}/api/suppressions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ users: ['by-api', 'by-command'] })
    })
    t.strictSame(answer, { success: true, changed: 1, users: 2 })
    t.equal(await outcomeOf(server, 'by-api'), 'suppressed', 'the edit is in force when the API answers')

    writeFileSync(list, `${readFileSync(list, 'utf8')}# a comment\r\n\r\nby-hand\r\n`)
    await until(async () => (await outcomeOf(server, 'by-hand')) === 'suppressed', {
      what: 'events of by-hand to be suppressed'
    })

    writeFileSync(config, `${CONFIG}\nsuppress: { users: [by-config] }\n`)
    await until(async () => (await outcomeOf(server, 'by-config')) === 'suppressed', {
      what: 'events of by-config to be suppressed'
    })
    t.equal(await outcomeOf(server, 'by-hand'), 'suppressed')
    const { users } = await api<{ users: Row[] }>(`${server.adminUrl}/api/suppressions`)
    t.equal(users.length, 4)
    t.ok(users.every(({ user }) => /^sha256:[0-9a-f]{64}$/.test(String(user))))

    t.equal((await command('remove', 'by-hand')).code, 0)
    await until(async () => (await outcomeOf(server, 'by-hand')) === 'accepted', {
      what: 'events of by-hand to be accepted'
    })
    t.match(await command('remove', 'by-config'), { code: 1, stderr: /stays suppressed by "suppress.users"/ })
    t.match(await command('remove', 'nobody'), { code: 1 })
    await api(`${server.adminUrl}/api/suppressions`, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ users: ['by-api'] })
    })
    t.equal(await outcomeOf(server, 'by-api'), 'accepted')
    t.equal(await outcomeOf(server, 'by-command'), 'suppressed')
  }
)

t.test('A list that cannot be used changes nothing: suppressed users stay suppressed', async t => {
  const lines: string[] = []
  const { pino } = await import('pino')
  const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  const server = await startApp(t, { logger })
  const list = join(server.dir, 'suppressed.txt')
  writeFileSync(list, 'first\n')
  await until(async () => (await outcomeOf(server, 'first')) === 'suppressed', {
    what: 'events of first to be suppressed'
  })
  writeFileSync(list, 'second\nsha256:nonsense\n')
  await until(() => lines.some(line => line.includes('suppressed.txt:2:1')), { what: 'the problem in the log' })
  t.equal(await outcomeOf(server, 'first'), 'suppressed')
  t.equal(await outcomeOf(server, 'second'), 'accepted')
})

t.test('A missing list that tributary.yml names is an error at the start', async t => {
  await t.rejects(startApp(t, { config: `${CONFIG}\nsuppress: { file: nowhere.txt }\n` }), /nowhere.txt: no such file/)
})

t.test('The API refuses a body that is not a list of ids', async t => {
  const server = await startApp(t)
  for (const body of ['{}', '{"users":[]}', '{"users":[""]}', '{"users":[1]}', '{"users":"a"}', 'null']) {
    const answer = await fetch(`${server.adminUrl}/api/suppressions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body
    })
    t.equal(answer.status, 400, body)
  }
})
