import type { Test } from 'tap'
import t from 'tap'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import type { TestApp } from '../../support/app.ts'
import { basic, startApp } from '../../support/app.ts'
import { assertAnswerMatchesContract } from '../../support/contract-answers.ts'
import { whileOverloaded } from '../../support/overload.ts'

interface Shown {
  readonly headers?: Readonly<Record<string, string>>
}

let readers = 0

/** Fetches a pixel as a new reader, checks that it is a pixel, and returns the last record's value. */
async function show(t: Test, { url, sink }: TestApp, query: string, init: Shown = {}): Promise<unknown> {
  const before = sink.records.length
  const path = `/v1/pixel/${query}`
  const sent = { 'user-agent': `reader ${++readers}`, ...init.headers }
  const response = await fetch(url + path, { ...init, headers: sent })
  const image = Buffer.from(await response.arrayBuffer())
  const headers = Object.fromEntries(response.headers)
  t.equal(response.status, 200, query)
  t.equal(image.subarray(0, 6).toString(), 'GIF89a')
  t.same([image.readUInt16LE(6), image.readUInt16LE(8)], [1, 1], 'the image is one pixel wide and high')
  assertAnswerMatchesContract(t, { method: 'GET', path, status: response.status, headers, body: image })
  const record = sink.records.slice(before).at(-1)
  return record === undefined ? undefined : JSON.parse(record.line.toString())
}

const EVENT = {
  writeKey: 'wk_test',
  userId: '025pikachu025',
  event: 'Email Opened ✅',
  properties: { subject: 'The Electric Daily?>', n: 12345678901234567890n.toString() }
}
const JSON_TEXT = JSON.stringify(EVENT).replace('"12345678901234567890"', '12345678901234567890')

t.test('data in base64, base64url and without padding is the event, byte for byte', async t => {
  const app = await startApp(t)
  for (const data of [
    encodeURIComponent(Buffer.from(JSON_TEXT).toString('base64')),
    Buffer.from(JSON_TEXT).toString('base64'),
    Buffer.from(JSON_TEXT).toString('base64url')
  ]) {
    const value = await show(t, app, `track?data=${data}`)
    t.match(value, { type: 'track', userId: '025pikachu025', event: 'Email Opened ✅', projectId: 'web' })
    t.match(app.sink.records.at(-1)?.line.toString(), '"n":12345678901234567890', 'the number keeps all its digits')
    t.notMatch(app.sink.records.at(-1)?.line.toString(), 'wk_test', 'the key is not published')
  }
  t.match(JSON_TEXT, /\?>/, 'the text differs between base64 and base64url')
})

t.test("the example of Segment's documentation works as it is printed", async t => {
  const app = await startApp(t, { config: 'sources:\n  - id: mail\n    writeKeys: [YOUR_WRITE_KEY]\n' })
  const data =
    'eyJ3cml0ZUtleSI6ICJZT1VSX1dSSVRFX0tFWSIsICJ1c2VySWQiOiAiMDI1cGlrYWNodTAyNSIsICJldmVudCI6ICJFbWFpbCBPcGVuZWQiLCAicHJvcGVydGllcyI6IHsgICAic3ViamVjdCI6ICJUaGUgRWxlY3RyaWMgRGFpbHkiLCAgICJlbWFpbCI6ICJwZWVrQXRNZUBlbWFpbC5wb2tlIiB9fQ'
  t.match(await show(t, app, `track?data=${data}`), {
    userId: '025pikachu025',
    event: 'Email Opened',
    properties: { subject: 'The Electric Daily', email: 'peekAtMe@email.poke' },
    projectId: 'mail'
  })
})

t.test('fields of the query with dots are the event', async t => {
  const app = await startApp(t)
  const fields = new URLSearchParams({
    writeKey: 'wk_test',
    userId: 'u',
    event: 'Email Opened',
    'properties.subject': 'Häppy & new = 1+1',
    'properties.deep.er': 'x',
    'context.campaign.name': 'spring',
    'context.direct': 'true',
    'integrations.All': 'false',
    'integrations.Amplitude': 'true',
    'properties.flag': 'true'
  })
  t.match(await show(t, app, `track?${fields.toString()}`), {
    event: 'Email Opened',
    properties: { subject: 'Häppy & new = 1+1', deep: { er: 'x' }, flag: 'true' },
    context: { campaign: { name: 'spring' }, direct: true, ip: '127.0.0.1' },
    integrations: { All: false, Amplitude: true }
  })
})

t.test('every type has its pixel, with and without /v1, by its short name and as a .gif', async t => {
  const app = await startApp(t)
  const extra = { event: 'e', groupId: 'g', previousId: 'p', userId: 'u', writeKey: 'wk_test' }
  for (const type of EVENT_TYPES) {
    const query = new URLSearchParams(extra).toString()
    for (const name of [type, type.charAt(0), `${type}.gif`, `${type.charAt(0)}.gif`, `${type}.GIF`]) {
      const agent = { headers: { 'user-agent': name } }
      t.match(await show(t, app, `${name}?${query}`, agent), { type }, name)
      t.equal((await fetch(`${app.url}/pixel/${name}?n=1&${query}`, agent)).status, 200)
    }
  }
  t.equal(app.sink.records.length, 2 * 5 * EVENT_TYPES.length)
})

t.test('the key may be in the header, in the event or in the query', async t => {
  const app = await startApp(t)
  const data = Buffer.from('{"userId":"u","event":"e"}').toString('base64url')
  t.match(await show(t, app, `track?data=${data}&writeKey=wk_second`), { projectId: 'web' })
  t.match(await show(t, app, `track?data=${data}`, { headers: { authorization: basic() } }), { projectId: 'web' })
})

t.test('whatever is wrong, the answer is the pixel, and the metrics show the error', async t => {
  const app = await startApp(t)
  const base64 = (text: string): string => `data=${Buffer.from(text).toString('base64url')}`
  const deep = `a${'.a'.repeat(70)}=1`
  for (const [query, line] of [
    ['track', 'tributary_requests_refused_total{code="write_key_missing"} 1'],
    ['track?writeKey=wk_nobody&userId=u&event=e', 'tributary_requests_refused_total{code="write_key_unknown"} 1'],
    ['track?writeKey=wk_off&userId=u&event=e', 'tributary_requests_refused_total{code="source_disabled"} 1'],
    ['track?data=%25%25%25', 'tributary_requests_refused_total{code="invalid_json"} 1'],
    [`track?${base64('{')}`, 'tributary_requests_refused_total{code="invalid_json"} 2'],
    [`track?${base64('{}')}&${base64('{}')}`, 'tributary_requests_refused_total{code="invalid_json"} 3'],
    [
      `track?data=${Buffer.from([0xff, 0xfe]).toString('base64')}`,
      'tributary_requests_refused_total{code="invalid_utf8"} 1'
    ],
    [`track?writeKey=wk_test&${deep}`, 'tributary_requests_refused_total{code="too_deep"} 1'],
    ['nonsense?writeKey=wk_test', 'tributary_requests_refused_total{code="not_found"} 1'],
    ['track?writeKey=wk_test&event=e', 'type="track",outcome="rejected",code="no_user_anon_id"} 1'],
    ['track?writeKey=wk_test&userId=u&userId=v&event=e', 'type="track",outcome="rejected",code="id_not_string"} 1'],
    ['identify?writeKey=wk_test&userId=u&__proto__.x=1', 'type="identify",outcome="rejected",code="forbidden_key"} 1'],
    ['page?writeKey=wk_test&userId=u&messageId=m', 'type="page",outcome="accepted",code=""} 1'],
    ['page?writeKey=wk_test&userId=u&messageId=m', 'type="page",outcome="duplicate",code=""} 1']
  ] as const) {
    await show(t, app, query)
    const metrics = await (await fetch(`${app.adminUrl}/metrics`)).text()
    t.match(metrics, line, query.slice(0, 60))
  }
  app.sink.failure = new SinkUnavailable('the disk is full')
  await show(t, app, 'screen?writeKey=wk_test&userId=u')
  app.sink.failure = new TypeError('a bug')
  await show(t, app, 'group?writeKey=wk_test&userId=u&groupId=g')
  const metrics = await (await fetch(`${app.adminUrl}/metrics`)).text()
  t.match(metrics, 'type="screen",outcome="failed",code=""} 1')
  t.match(metrics, 'type="group",outcome="failed",code=""} 1')
})

t.test('a field that has both a value and nested fields keeps the nested fields', async t => {
  const app = await startApp(t)
  for (const query of ['properties=x&properties.a=1', 'properties.a=1&properties=x']) {
    t.match(await show(t, app, `track?writeKey=wk_test&userId=u&event=e&${query}`), { properties: { a: '1' } })
  }
})

t.test('a HEAD of a pixel is not an event, and no cache may store it', async t => {
  const { url, sink } = await startApp(t)
  const path = `${url}/v1/pixel/track?writeKey=wk_test&userId=u&event=e`
  const head = await fetch(path, { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(head.headers.get('content-type'), 'image/gif')
  t.equal(sink.records.length, 0)
  t.equal((await fetch(path)).headers.get('cache-control'), 'no-store')
  t.equal((await fetch(path, { method: 'POST' })).status, 405)
})

t.test('an overloaded server answers with the pixel too', async t => {
  const app = await startApp(t)
  const pixel = `${app.url}/v1/pixel/page?writeKey=wk_test&userId=u`
  for (const image of await whileOverloaded(app, () => fetch(pixel))) {
    t.equal(image.status, 200)
    t.equal(image.headers.get('content-type'), 'image/gif')
  }
  const metrics = await (await fetch(`${app.adminUrl}/metrics`)).text()
  t.match(metrics, /tributary_requests_refused_total\{code="overloaded"\} [2-9]/, 'both requests are counted')
})
