import t from 'tap'
import { startApp } from '../../support/app.ts'
import { ask } from '../../support/http.ts'

const SERIES = JSON.stringify({ series: [{ type: 'Counter', metric: 'analytics_js.invoke', value: 1, tags: {} }] })

t.test('telemetry of the SDKs is answered without a key, and dropped', async t => {
  const { url, sink, adminUrl } = await startApp(t)
  for (const path of ['/v1/m', '/m', '/v1/m/']) {
    const { status, body, headers } = await ask(t, url + path, {
      authorization: null,
      headers: { 'content-type': 'text/plain', origin: 'https://example.com' },
      body: SERIES
    })
    t.equal(status, 200, path)
    t.same(body, { success: true })
    t.equal(headers['access-control-allow-origin'], '*')
  }
  t.equal(sink.records.length, 0)
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
  t.notMatch(metrics, /tributary_events_received_total\{/, 'telemetry is not counted as events')
  t.match(
    metrics,
    'tributary_http_request_duration_seconds_count{route="/v1/m",status="200"}',
    'requests with telemetry are counted'
  )
})

t.test('its content is not read: garbage, any encoding, more than any limit', async t => {
  const { url } = await startApp(t)
  for (const [body, headers] of [
    ['not JSON', {}],
    ['not gzip', { 'content-encoding': 'gzip' }],
    ['x'.repeat(2_000_000), { 'content-encoding': 'lzma', 'content-type': 'nonsense' }]
  ] as const) {
    t.equal((await ask(t, `${url}/v1/m`, { body, headers, authorization: null })).status, 200, body.slice(0, 10))
  }
})
