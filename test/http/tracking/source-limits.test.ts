/** A source's own limits, within those of the server. */
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { basic, startApp } from '../../support/app.ts'
import { ask } from '../../support/http.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'

const CONFIG = `
sources:
  - { id: rudder, writeKeys: [wk_rudder] }
  - id: web
    writeKeys: [wk_web]
    limits: { maxBatchBytes: 2000, maxEventBytes: 500, maxBatchEvents: 5, maxPublishBytes: 3000 }
  - id: greedy
    writeKeys: [wk_greedy]
    limits: { maxBatchBytes: 100000000, maxEventBytes: 100000000, maxBatchEvents: 100000, maxPublishBytes: 100000000 }
`
/** What RudderStack's SDKs need. */
const RUDDER = { MAX_BATCH_BYTES: '4300000', MAX_EVENT_BYTES: '4200000', MAX_PUBLISH_BYTES: '8000000' }

const event = (pad = 0): string => `{"type":"track","userId":"u","event":"e","properties":{"p":"${'x'.repeat(pad)}"}}`
const EMPTY_BYTES = event().length
const sized = (bytes: number): string => event(bytes - EMPTY_BYTES)
const batch = (events: readonly string[], more = ''): string => `{"batch":[${events.join()}]${more}}`

/** The ways to send a key: known before the body is read, and in the body. */
const WAYS = ['head', 'body', 'query'] as const

t.test("a source's own limits bound what it may send to the byte, however its key is given", async t => {
  const { url } = await startApp(t, { config: CONFIG })
  for (const way of WAYS) {
    for (const gzip of [false, true]) {
      const send = (path: string, text: string) => {
        const keyed = way === 'body' ? text.replace(/\}$/, ',"writeKey":"wk_web"}') : text
        const body = gzip ? gzipSync(keyed) : keyed
        const headers: Record<string, string> = gzip ? { 'content-encoding': 'gzip' } : {}
        const query = way === 'query' ? '?writeKey=wk_web' : ''
        return ask(t, url + path + query, { authorization: way === 'head' ? basic('wk_web') : null, headers, body })
      }
      const keyBytes = way === 'body' ? ',"writeKey":"wk_web"'.length : 0
      const pad = (bytes: number): string => {
        const bare = batch([event()], ',"pad":""').length + keyBytes
        return batch([event()], `,"pad":"${'x'.repeat(bytes - bare)}"`)
      }
      t.equal((await send('/v1/batch', pad(2_000))).status, 200, `${way}: a body of the maximum size is accepted`)
      t.match(await send('/v1/batch', pad(2_001)), {
        status: 400,
        body: { code: 'payload_too_large', message: /2000 bytes.*\(limits\.maxBatchBytes of the source\)/ }
      })
      const good = await send('/v1/batch', batch([sized(500), event()]))
      t.equal(good.status, 200)
      t.notOk('errors' in good.body, 'an event of the maximum size is accepted')
      const large = await send('/v1/batch', batch([sized(501), event()]))
      t.match(large.body['errors'], [{ index: 0, code: 'payload_too_large', message: /limits\.maxEventBytes/ }])
      t.equal((await send('/v1/batch', batch(Array.from({ length: 5 }, () => event())))).status, 200)
      t.match(await send('/v1/batch', batch(Array.from({ length: 6 }, () => event()))), {
        status: 400,
        body: { code: 'too_many_events', message: /at most 5 events \(limits\.maxBatchEvents of the source\)/ }
      })
      const shared = `,"context":{"c":"${'x'.repeat(450)}"}`
      t.equal((await send('/v1/batch', batch([event()], shared))).status, 200)
      t.match(
        await send(
          '/v1/batch',
          batch(
            Array.from({ length: 5 }, () => event(40)),
            shared
          )
        ),
        {
          status: 400,
          body: { code: 'payload_too_large', message: /3000 bytes \(limits\.maxPublishBytes of the source\)/ }
        }
      )
      t.equal((await send('/v1/track', sized(500 - keyBytes))).status, 200)
      t.match(await send('/v1/track', sized(501 - keyBytes)), {
        status: 400,
        body: { code: 'payload_too_large', message: /limits\.maxEventBytes of the source/ }
      })
    }
  }
})

t.test('a batch with stray commas is counted as repaired, however the key of its source is given', async t => {
  const { url, adminUrl } = await startApp(t, { config: CONFIG })
  const stray = batch(['', event(), '', event(), ''])
  const asks = {
    head: { authorization: basic('wk_web'), body: stray },
    body: { authorization: '', body: stray.replace('{', '{"writeKey":"wk_web",') },
    query: { authorization: '', body: stray }
  }
  for (const [index, way] of WAYS.entries()) {
    const path = way === 'query' ? '/v1/batch?writeKey=wk_web' : '/v1/batch'
    t.equal((await ask(t, `${url}${path}`, asks[way])).status, 200, way)
    t.equal(sumOf(await readMetrics(adminUrl), 'tributary_batch_repaired_total', { source: 'web' }), index + 1, way)
  }
})

t.test('the limits of the source apply to a pixel too', async t => {
  const { url, sink } = await startApp(t, { config: CONFIG })
  for (const [pad, code] of [
    [300, undefined],
    [600, 'payload_too_large']
  ] as const) {
    await fetch(`${url}/v1/pixel/track?writeKey=wk_web&userId=u&event=e&properties.p=${'x'.repeat(pad)}`)
    const record = sink.records.at(-1)
    t.same(
      [record?.kind === 'event', record?.code],
      [code === undefined, code],
      'a refused event is stored with its reason'
    )
  }
  t.equal(sink.records.length, 2)
})

t.test("batches of RudderStack's 4 MB pass if the server's limits allow them, and sources keep their own", async t => {
  const { url, sink } = await startApp(t, { config: CONFIG, env: RUDDER })
  const body = batch(Array.from({ length: 100 }, () => sized(40_000)))
  t.ok(body.length > 4_000_000)
  const send = (key: string) => ask(t, `${url}/v1/batch`, { authorization: basic(key), body })
  t.equal((await send('wk_rudder')).status, 200)
  t.equal(sink.records.length, 100)
  t.match((await send('wk_web')).body, { code: 'payload_too_large', message: /limits\.maxBatchBytes/ })
})

t.test("no source's limits exceed the server's", async t => {
  const { url } = await startApp(t, { config: CONFIG })
  const send = (body: string) => ask(t, `${url}/v1/batch`, { authorization: basic('wk_greedy'), body })
  t.match((await send(batch([sized(600_000)]))).body, { code: 'payload_too_large', message: /\(MAX_BATCH_BYTES\)/ })
  t.match((await send(batch([sized(40_000)]))).body['errors'], [{ message: /\(MAX_EVENT_BYTES\)/ }])
  t.match((await send(batch(Array.from({ length: 2_501 }, () => event())))).body, { message: /\(MAX_BATCH_EVENTS\)/ })
})
