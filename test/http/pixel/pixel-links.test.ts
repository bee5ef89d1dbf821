/** Pixels whose links were changed by mail programs, link rewriters and proxies. */
import type { Test } from 'tap'
import t from 'tap'
import type { TestApp } from '../../support/app.ts'
import { basic, startApp } from '../../support/app.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'

const QUERY = 'writeKey=wk_test&userId=a%40b.example&event=Email%20Opened&properties.sum=100%25'
const EVENT = { type: 'track', userId: 'a@b.example', event: 'Email Opened', properties: { sum: '100%' } }
const twice = (text: string): string => text.replaceAll('%', '%25')

/** Requests a pixel and returns its result. */
async function show(t: Test, { url, sink }: TestApp, path: string, headers: Record<string, string> = {}) {
  const before = sink.records.length
  const response = await fetch(`${url}/v1/pixel/${path}`, { headers })
  await response.arrayBuffer()
  t.equal(response.status, 200)
  const record = sink.records.slice(before).at(-1)
  return record === undefined ? undefined : (JSON.parse(record.line.toString()) as Record<string, unknown>)
}

t.test('a query that was encoded twice, or escaped for HTML, becomes the event that its author wrote', async t => {
  const app = await startApp(t)
  const json = JSON.stringify({ writeKey: 'wk_test', ...EVENT, pad: '>>>???x' })
  const base64 = Buffer.from(json).toString('base64')
  t.match(base64, /[+/].*=$/, 'the base64 text needs escapes')
  const data = `data=${encodeURIComponent(base64)}`
  for (const path of [
    `track?${QUERY}`,
    `track?${twice(QUERY)}`,
    `track?${twice(twice(QUERY))}`,
    `track?${encodeURIComponent(QUERY)}`,
    `track?${encodeURIComponent(twice(QUERY))}`,
    `track%3F${QUERY.replace('%25', '%2525')}`,
    `track%3F${twice(QUERY)}`,
    `track%253F${twice(QUERY)}`,
    `track%253F${encodeURIComponent(QUERY)}`,
    `track%253F${twice(encodeURIComponent(QUERY))}`,
    `track%253f${twice(QUERY)}`,
    `track.gif%25253F${twice(twice(encodeURIComponent(QUERY)))}`,
    `t.gif%253F${twice(QUERY.replaceAll('&', '&amp;'))}`,
    `t%253F${twice(data)}`,
    `t%253F${twice(data)}?utm=a%20b`,
    `track.gif?${QUERY.replaceAll('&', '&amp;')}`,
    `track?${QUERY.replaceAll('&', '&amp;amp;')}`,
    `t?${twice(QUERY).replaceAll('&', '&AMP;')}`,
    `t?${twice(QUERY.replaceAll('&', '&amp;'))}`,
    `t?${encodeURIComponent(QUERY.replaceAll('&', '&amp;'))}`,
    `t?${data}`,
    `t?${twice(data)}`,
    `t?${encodeURIComponent(data)}`,
    `t?${twice(data)}&utm=a%20b`
  ]) {
    t.match(await show(t, app, path, { 'user-agent': path }), EVENT, path)
  }
})

t.test('a query that was encoded once is not decoded again', async t => {
  const app = await startApp(t)
  for (const [sent, value] of [
    ['100%25', '100%'],
    ['50%25off', '50%off'],
    ['50%25%20off', '50% off'],
    ['a%2520b%20c', 'a%20b c'],
    ['%25ff', '%ff'],
    ['%26amp%3B', '&amp;'],
    ['a+b', 'a b'],
    ['%', '%'],
    ['', '']
  ] as const) {
    const path = `track?writeKey=wk_test&userId=u&event=e&properties.value=${sent}`
    t.match(await show(t, app, path), { properties: { value } }, sent)
  }
})

t.test('a plus that was not escaped is a plus in a time', async t => {
  const app = await startApp(t)
  const query = 'track?writeKey=wk_test&userId=u&event=e'
  for (const [sent, time] of [
    ['2026-01-01T02:00:00+02:00', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T02:00:00.123456+02:00', '2026-01-01T00:00:00.123Z'],
    ['2026-01-01T02:00:00%2B02:00', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T02:00:00-02:00', '2026-01-01T04:00:00.000Z'],
    ['2026-01-01T02:00:00Z', '2026-01-01T02:00:00.000Z']
  ] as const) {
    const { timestamp } = (await show(t, app, `${query}&timestamp=${sent}`, { 'user-agent': sent })) ?? {}
    t.equal(new Date(String(timestamp)).toISOString(), time, sent)
  }
  const both = await show(t, app, `${query}&timestamp=2026-01-01T02:00:00+02:00&sentAt=2026-01-01T02:00:05+02:00`)
  t.match(both, { originalTimestamp: '2026-01-01T02:00:00+02:00', timestamp: '2026-11-23T11:59:55.000Z' })
  const property = await show(t, app, `${query}&properties.at=2026-01-01T02:00:00+02:00`)
  t.match(
    property,
    { properties: { at: '2026-01-01T02:00:00 02:00' } },
    'a plus in another property is a space, as in any form'
  )
})

t.test('a pixel that a proxy requests twice is one event, and another view is another event', async t => {
  let now = Date.parse('2026-11-23T12:00:00.400Z')
  const app = await startApp(t, { clock: { now: () => now, monotonic: () => performance.now() } })
  const data = Buffer.from('{"writeKey":"wk_test","userId":"u","event":"e","messageId":null}').toString('base64url')
  let expected = 0
  const showings = async (path: string, isNew: boolean, headers?: Record<string, string>): Promise<void> => {
    await show(t, app, path, headers)
    expected += isNew ? 1 : 0
    t.equal(app.sink.records.length, expected, `${path} ${isNew ? 'is a new event' : 'is known'}`)
  }
  for (const path of ['track?writeKey=wk_test&userId=u&event=e', `track?data=${data}`]) {
    await showings(path, true)
    await showings(path, false)
    await showings(path, true, { 'user-agent': 'another' })
    await showings(path.replace('track', 'page'), true)
    now += 700
    await showings(path, false)
    now += 300
    await showings(path, true)
    now += 1_600
    await showings(path, true)
    now += 10_000
  }
  await showings('track?writeKey=wk_test&userId=u&event=e', true)
  await showings('track?writeKey=wk_test&userId=u&event=f', true)
  await showings('track?userId=u&event=e', true, { authorization: basic('wk_slow') })
  const ids = app.sink.records.map(({ line }) => (JSON.parse(line.toString()) as { messageId: string }).messageId)
  t.equal(new Set(ids).size, expected - 1, 'the same pixel has one id for two sources')
  for (const id of ids) t.match(id, /^pixel-[\w-]{32}$/)
  const metrics = await readMetrics(app.adminUrl)
  t.equal(sumOf(metrics, 'tributary_events_total', { outcome: 'duplicate' }), 4, 'duplicates are counted')
})

t.test('a pixel with a messageId keeps it, however often it is shown', async t => {
  const app = await startApp(t)
  const path = 'track?writeKey=wk_test&userId=u&event=e&messageId=mine'
  t.match(await show(t, app, path), { messageId: 'mine' })
  t.equal(await show(t, app, path), undefined)
})

t.test('pixels of two addresses are two events', async t => {
  const app = await startApp(t, { env: { TRUST_PROXY: 'true' } })
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
    await show(t, app, 'track?writeKey=wk_test&userId=u&event=e', { 'x-forwarded-for': address })
  }
  t.equal(app.sink.records.length, 2)
})
