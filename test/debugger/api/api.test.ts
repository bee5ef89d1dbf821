import { request as sendRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { basic, KEY, post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { createMemorySink } from '../../support/memory-sink.ts'

// The API's answers are looked into as the programs of others do.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = Record<string, any>

async function get(url: string, init: RequestInit = {}): Promise<{ status: number; headers: Headers; body: Json }> {
  const response = await fetch(url, init)
  return { status: response.status, headers: response.headers, body: (await response.json()) as Json }
}

const events = async ({ adminUrl }: TestApp, query = ''): Promise<Json[]> =>
  (await get(`${adminUrl}/api/events${query}`)).body['events'] as Json[]

const names = async (server: TestApp, query = ''): Promise<string[]> =>
  (await events(server, query)).map(({ name }) => name as string)

const send = (server: TestApp, event: object, path = 'track') =>
  post(`${server.url}/v1/${path}`, { userId: 'u1', ...event })

t.test('The list contains every event with its one outcome, newest first', async t => {
  const sink = createMemorySink()
  const server = await startApp(t, { sink })
  await send(server, { event: 'Taken', messageId: 'm1' })
  await send(server, { event: 'Taken', messageId: 'm1' })
  await send(server, {})
  const slow = { authorization: basic('wk_slow') }
  await post(`${server.url}/v1/batch`, { batch: Array.from({ length: 2500 }, () => ({ type: 'track' })) }, slow)
  // So many events that the limit of the source does not refill during a pause.
  const held500 = Array.from({ length: 500 }, () => ({ type: 'track', userId: 'u', event: 'Held' }))
  await post(`${server.url}/v1/batch`, { batch: held500 }, slow)
  sink.failure = new SinkUnavailable('the disk is full')
  await send(server, { event: 'Lost' })
  const [lost, held, ...rest] = await events(server)
  t.match(lost, { outcome: 'failed', name: 'Lost', source: 'web', user: 'u1', type: 'track', code: null })
  t.match(held, { outcome: 'rate_limited', name: 'Held', source: 'slow' })
  const own = await events(server, '?source=web&order=asc')
  t.strictSame(
    own.map(({ outcome, code, messageId }) => [outcome, code, messageId]),
    [
      ['accepted', null, 'm1'],
      ['duplicate', null, 'm1'],
      ['rejected', 'event_not_defined', ''],
      ['failed', null, lost?.['messageId']]
    ]
  )
  t.equal(rest.length, 98, 'a list has 100 events by default')
})

t.test('Filters can be combined', async t => {
  const server = await startApp(t)
  await send(server, { event: 'Order Completed', properties: { note: 'Crème brûlée', coupon: 'SPRING' } })
  await send(server, { event: 'Order Cancelled', anonymousId: 'anon-7' })
  await send(server, { name: 'Pricing', category: 'Docs' }, 'page')
  await send(server, { event: 7 })
  await post(`${server.url}/v1/track`, { userId: 'u2', event: 'Elsewhere' }, { authorization: basic('wk_shop') })
  t.strictSame(await names(server, '?event=Order Completed'), ['Order Completed'])
  t.strictSame(await names(server, '?event=order*&order=asc'), ['Order Completed', 'Order Cancelled'])
  t.strictSame(await names(server, '?event=*c*led'), ['Order Cancelled'])
  t.strictSame(await names(server, '?type=page,identify'), ['Docs / Pricing'])
  t.strictSame(await names(server, '?source=shop'), ['Elsewhere'])
  t.strictSame(await names(server, '?user=anon-7'), ['Order Cancelled'])
  t.strictSame(await names(server, '?user=U1&event=Order*&text=spring'), ['Order Completed'])
  t.strictSame(await names(server, '?text=cr%C3%A8me br'), ['Order Completed'])
  t.strictSame(await names(server, '?outcome=rejected&code=event_not_string'), ['7'])
  t.strictSame(await names(server, '?code=event_not_defined'), [])
  t.equal((await get(`${server.adminUrl}/api/events?tipe=page`)).status, 400, 'an unknown parameter is a 400')
  t.equal((await get(`${server.adminUrl}/api/events?limit=0`)).status, 400)
})

t.test('A test suite can wait for events and read them', async t => {
  const server = await startApp(t)
  await send(server, { event: 'Before' })
  const { body } = await get(`${server.adminUrl}/api/events?limit=1`)
  const start = performance.now()
  const waiting = get(`${server.adminUrl}/api/events?event=Wanted&count=2&wait=5s&detail=true&after=${body['newest']}`)
  await sleep(50)
  await send(server, { event: 'Wanted', properties: { plan: 'free' } })
  await send(server, { event: 'Other' })
  await sleep(50)
  await send(server, { event: 'Wanted', properties: { plan: 'pro' } })
  const found = (await waiting).body['events'] as Json[]
  t.ok(performance.now() - start < 2_000, 'the answer is sent as soon as the events are there')
  t.strictSame(
    found.map(({ payload }) => payload.properties.plan),
    ['pro', 'free']
  )
  const none = await get(`${server.adminUrl}/api/events?event=Never&wait=100ms`)
  t.strictSame(none.body['events'], [], 'after the wait, the answer has the events that are there')
})

t.test('One event is shown with its journey, its changes, and both texts', async t => {
  const server = await startApp(t, { sink: 'configured' })
  const text =
    '{"userId":"u1","event":"E","properties":{"big":12345678901234567890},"timestamp":"2026-11-23T11:59:00Z"}'
  await post(`${server.url}/v1/track`, text)
  const [row] = await events(server)
  const { body } = await get(`${server.adminUrl}/api/events/${row?.['seq']}`)
  t.equal(body['received'], text, 'the text is kept byte for byte')
  t.match(body['published'], /"big":12345678901234567890/)
  const steps = body['journey'] as Json[]
  t.strictSame(
    steps.map(({ step }) => step),
    ['received', 'validated', 'enriched', 'published', 'answered']
  )
  t.match(body['places'], [{ store: 'log', file: /^events\/.+\.ndjson$/, position: 0, line: 1 }])
  const changes = body['changes'] as Json[]
  t.match(
    changes.find(({ field }) => field === 'originalTimestamp'),
    { kind: 'added', before: null, after: '"2026-11-23T11:59:00Z"' }
  )
  t.equal((await get(`${server.adminUrl}/api/events/999999`)).status, 404)
})

t.test('A long answer ends where the next one begins, in both directions', async t => {
  const server = await startApp(t)
  const pad = Array.from({ length: 2_500 }, (_, i) => `word-${i}`)
  for (let i = 0; i < 60; i++) await send(server, { event: `E${i}`, properties: { pad } })
  for (const order of ['desc', 'asc']) {
    const told: number[] = []
    let pages = 0
    for (let next: number | null | undefined; next !== null; pages++) {
      const on = next === undefined ? '' : `&${order === 'asc' ? 'after' : 'before'}=${next}`
      const answer = await fetch(`${server.adminUrl}/api/events?detail=true&limit=1000&order=${order}${on}`)
      const text = await answer.text()
      t.ok(Buffer.byteLength(text) < 0.6 * 1024 * 1024, `the answer has ${text.length} characters`)
      const page = JSON.parse(text) as { events: { seq: number }[]; next: number | null }
      told.push(...page.events.map(({ seq }) => seq))
      next = page.next
    }
    t.ok(pages > 2, `the list needs ${pages} answers`)
    const all = Array.from({ length: 60 }, (_, i) => i + 1)
    t.strictSame(order === 'asc' ? told : told.toReversed(), all, `each event is listed once in the order ${order}`)
  }
  const few = (await get(`${server.adminUrl}/api/events?limit=10`)).body
  t.equal(few['next'], 51, 'an answer with a limit has a next position')
  t.equal(
    (await get(`${server.adminUrl}/api/events?limit=100`)).body['next'],
    null,
    'the last answer has no next position'
  )
})

t.test('A reader that comes from an earlier run of the server gets the events of this run from its start', async t => {
  const server = await startApp(t)
  for (const event of ['One', 'Two']) await send(server, { event })
  const gone = new AbortController()
  t.teardown(() => gone.abort())
  const headers = { 'last-event-id': '5000' }
  const response = await fetch(`${server.adminUrl}/api/stream`, { signal: gone.signal, headers })
  let text = ''
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    if (text.includes('Two')) break
  }
  t.match(text, /"One"/)
})

t.test('The stream sends new events, and old events from a given seq on', async t => {
  const server = await startApp(t)
  for (const event of ['One', 'Two', 'Three']) await send(server, { event })
  const gone = new AbortController()
  t.teardown(() => gone.abort())
  const response = await fetch(`${server.adminUrl}/api/stream?after=1&event=T*`, { signal: gone.signal })
  t.match(response.headers.get('content-type'), /^text\/event-stream/)
  await send(server, { event: 'Ten' })
  let text = ''
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    if (text.includes('Ten')) break
  }
  t.strictSame(
    [...text.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name),
    ['Two', 'Three', 'Ten']
  )
})

t.test('Every event is streamed or counted as skipped', async t => {
  const server = await startApp(t)
  const gone = new AbortController()
  t.teardown(() => gone.abort())
  const response = await fetch(`${server.adminUrl}/api/stream`, { signal: gone.signal })
  const batch = Array.from({ length: 2500 }, (_, i) => ({ type: 'track', userId: 'u', event: `E${i}` }))
  for (let i = 0; i < 8; i++) await post(`${server.url}/v1/batch`, { batch })
  let text = ''
  let told = 0
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    const messages = text.split('\n\n')
    text = messages.pop() ?? ''
    for (const data of messages.flatMap(message => /^data: (.*)$/m.exec(message)?.[1] ?? [])) {
      const { rows, skipped } = JSON.parse(data) as { rows: unknown[]; skipped: number }
      told += rows.length + skipped
    }
    if (told >= 20_000) break
  }
  t.equal(told, 20_000)
})

t.test('Outcomes, sources, rejections and overview show what was counted', async t => {
  const server = await startApp(t, { sink: 'configured' })
  const context = { library: { name: 'analytics-python', version: '2.3.5' } }
  await send(server, { event: 'Taken', context })
  await send(server, { context })
  await post(`${server.url}/v1/track`, '{}', { authorization: basic('wk_nobody'), 'user-agent': 'analytics-go/3' })
  const api = async (path: string): Promise<Json> => (await get(`${server.adminUrl}/api/${path}`)).body
  t.match(await api('outcomes'), { sources: { web: { accepted: 1, rejected: 1, failed: 0 } } })
  const { sources } = await api('sources')
  t.match(sources[0], {
    id: 'web',
    lastEventAt: String,
    sdks: [{ sdk: 'analytics-python 2.3.5' }],
    keys: [String, String]
  })
  t.notMatch(JSON.stringify(sources), KEY)
  const { events: groups, requests } = await api('rejections')
  t.match(groups, [{ code: 'event_not_defined', count: 1, sdks: [{ sdk: 'analytics-python 2.3.5', count: 1 }] }])
  t.match(requests, [
    { code: 'write_key_unknown', count: 1, samples: [{ path: '/v1/track', client: 'analytics-go/3' }] }
  ])
  const overview = await api('overview')
  t.match(overview, { state: { ready: true, dedupe: { maxIds: 2_000_000 } }, points: Array, advice: Array })
})

t.test('Clear deletes the events in memory, and the counts stay', async t => {
  const server = await startApp(t)
  await send(server, { event: 'Gone' })
  t.equal((await get(`${server.adminUrl}/api/events`, { method: 'DELETE' })).body['success'], true)
  t.strictSame(await events(server), [])
  await send(server, { event: 'New' })
  t.strictSame(await names(server), ['New'])
  t.match((await get(`${server.adminUrl}/api/outcomes`)).body, { sources: { web: { accepted: 2 } } })
})

t.test('A write key is hidden wherever a client has put it', async t => {
  const key = 'wk_aVeryLongWriteKeyForTheShop1'
  const server = await startApp(t, { config: `sources: [{ id: web, writeKeys: ['${key}', 'odd"key/+='] }]` })
  const authorization = basic(key)
  const event = {
    userId: key,
    event: `Seen ${key}`,
    messageId: `id-${key}`,
    writeKey: key,
    properties: {
      url: `https://x.example/?writeKey=${key}&a=1`,
      odd: 'odd"key/+=',
      nested: { writeKey: 'revoked-key' },
      glued: `x${key}`
    }
  }
  await post(`${server.url}/v1/track`, event, { authorization })
  await post(`${server.url}/v1/track`, { ...event, event: 7 }, { authorization })
  await post(`${server.url}/v1/track`, JSON.stringify(event).replaceAll(key, '\\u0077' + key.slice(1)), {
    authorization
  })
  const seen = [
    await events(server, '?detail=true'),
    (await get(`${server.adminUrl}/api/rejections`)).body,
    (await get(`${server.adminUrl}/api/trace/${encodeURIComponent(`id-${key}`)}`)).body['events'],
    (await get(`${server.adminUrl}/api/sources`)).body
  ].map(value => JSON.stringify(value))
  for (const text of seen) {
    for (const secret of [key, key.slice(1), 'revoked-key', 'key/+='])
      t.notOk(text.includes(secret), `the answer does not contain ${secret}`)
  }
  t.ok(seen[0]?.includes('Seen [write key]'))
  const told = await get(`${server.adminUrl}/api/sources/web/keys/0`, { method: 'POST' })
  t.equal(told.body['writeKey'], key, 'only a request for the key returns the key')
  t.equal(told.headers.get('cache-control'), 'no-store')
})

/** fetch does not let anyone choose the Host. */
function withHost(url: string, host: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    sendRequest(url, { headers: { host, ...headers } }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

t.test(
  "Without a password only requests to loopback names are answered, and requests of other sites' pages are not",
  async t => {
    const server = await startApp(t)
    const { port } = new URL(server.adminUrl)
    const api = `${server.adminUrl}/api/events`
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
      t.equal(await withHost(api, host), 200, host)
    for (const host of ['evil.example', `127.0.0.1.evil.example:${port}`, 'localhost.evil.example']) {
      t.equal(await withHost(api, host), 403, host)
      t.equal(await withHost(server.adminUrl, host), 403, `the page is refused for the host ${host}`)
      t.equal(await withHost(`${server.adminUrl}/livez`, host), 200, 'probes are answered for any host')
    }
    t.equal(await withHost(api, `localhost:${port}`, { 'sec-fetch-site': 'cross-site' }), 403)
    const clear = (headers: Record<string, string>) =>
      fetch(api, { method: 'DELETE', headers }).then(({ status }) => status)
    t.equal(await clear({ origin: 'https://evil.example' }), 403)
    t.equal(await clear({ origin: `http://127.0.0.1:${port}` }), 200)
  }
)

t.test('With a password the API accepts Basic authentication and slows down guessing', async t => {
  const server = await startApp(t, { env: { ADMIN_PASSWORD: 'right horse' } })
  const api = `${server.adminUrl}/api/events`
  const as = (user: string, password: string) => ({
    headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
  })
  const refused = await get(api)
  t.equal(refused.status, 401)
  t.match(refused.headers.get('www-authenticate'), /^Basic /)
  t.equal((await get(api, as('admin', 'right horse'))).status, 200)
  t.equal((await get(api, as('root', 'right horse'))).status, 401)
  for (const path of ['livez', 'readyz', 'metrics'])
    t.equal((await fetch(`${server.adminUrl}/${path}`)).status, 200, path)
  for (let i = 0; i < 9; i++) t.equal((await get(api, as('admin', `guess ${i}`))).status, 401)
  const slowed = await get(api, as('admin', 'right horse'))
  t.equal(slowed.status, 429, 'after ten wrong passwords, the right password is also delayed')
  t.ok(Number(slowed.headers.get('retry-after')) > 0)
})

t.test('On an address that others can reach, the debugger is off without a password', async t => {
  const server = await startApp(t, { env: { ADMIN_HOST: '0.0.0.0' } })
  const url = server.adminUrl.replace('0.0.0.0', '127.0.0.1')
  t.match((await get(`${url}/api/events`)).body, { code: 'debugger_off' })
  const page = await fetch(url)
  t.equal(page.status, 403)
  t.match(await page.text(), 'ADMIN_PASSWORD')
  t.equal((await fetch(`${url}/metrics`)).status, 200)
})

t.test('The page has a policy that lets no foreign code run', async t => {
  const server = await startApp(t)
  const page = await fetch(server.adminUrl)
  const policy = page.headers.get('content-security-policy') ?? ''
  t.match(policy, "default-src 'none'")
  t.match(policy, "script-src 'self'")
  t.notMatch(policy, 'unsafe')
  t.equal(page.headers.get('x-frame-options'), 'SAMEORIGIN')
  t.notMatch(await page.text(), /<script(?![^>]*src)|<style|\son\w+=|style=/, 'the page has no inline script or style')
})

t.test('The session cookie is Secure behind TLS, and no other site can log in or out', async t => {
  const server = await startApp(t, { env: { ADMIN_PASSWORD: 'right horse' } })
  const logIn = (headers: Record<string, string>) =>
    fetch(`${server.adminUrl}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body: new URLSearchParams({ password: 'right horse' })
    })
  const secure = await logIn({ 'x-forwarded-proto': 'https' })
  t.match(secure.headers.get('set-cookie'), /HttpOnly; SameSite=Strict; Max-Age=43200; Secure$/)
  t.equal((await logIn({ 'sec-fetch-site': 'cross-site' })).status, 403)
  t.equal((await logIn({ origin: 'https://evil.example' })).status, 403)

  const cookie = (secure.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? ''
  const clear = (headers: Record<string, string>) =>
    fetch(`${server.adminUrl}/api/events`, { method: 'DELETE', headers: { cookie, ...headers } })
  t.equal((await clear({ 'sec-fetch-site': 'same-origin' })).status, 200)
  t.equal((await clear({ 'sec-fetch-site': 'same-site' })).status, 403)
  t.equal((await clear({})).status, 403, 'a request with a cookie and without a known origin changes nothing')
  await fetch(`${server.adminUrl}/logout`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, 'sec-fetch-site': 'same-origin' }
  })
  t.equal((await clear({ 'sec-fetch-site': 'same-origin' })).status, 401, 'the session is not valid after the logout')
})

t.test('A server that stops does not wait for open streams', async t => {
  const server = await startApp(t)
  const response = await fetch(`${server.adminUrl}/api/stream`)
  const start = performance.now()
  await server.app.close()
  t.ok(performance.now() - start < 3_000)
  await response.body?.cancel()
})
