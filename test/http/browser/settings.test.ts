import t from 'tap'
import { startApp } from '../../support/app.ts'
import { ask } from '../../support/http.ts'

const PATH = '/v1/projects/wk_test/settings'

const NAMES = new Set(['Segment.io', '4.4.7'])

/** Every host in a document, at any position. */
function hostsIn(text: string): string[] {
  return [...text.matchAll(/[\w-]+(?:\.[\w-]+)+(?::\d+)?/g)].map(([host]) => host).filter(host => !NAMES.has(host))
}

interface Settings {
  readonly integrations: Record<string, Record<string, unknown>>
  readonly metrics: Record<string, unknown>
}

const segmentOf = (body: Record<string, unknown>) => (body as unknown as Settings).integrations['Segment.io']

t.test('the settings contain the host of the request, its scheme and the key, and no other server', async t => {
  const { url } = await startApp(t)
  const { host } = new URL(url)
  const { status, body, text, headers } = await ask(t, url + PATH, { method: 'GET', authorization: null })
  t.equal(status, 200)
  t.match(segmentOf(body), { apiKey: 'wk_test', apiHost: `${host}/v1`, protocol: 'http' })
  t.same(new Set(hostsIn(text)), new Set([host]))
  t.equal(headers['access-control-allow-origin'], '*')
  t.equal(
    headers['cache-control'],
    'private, max-age=600',
    'a shared cache may not store the answer, which depends on the host'
  )
})

t.test('the settings make the browser SDK load and send nothing to other servers', async t => {
  const { url } = await startApp(t)
  const { body } = await ask(t, url + PATH, { method: 'GET' })
  t.same(Object.keys((body as unknown as Settings).integrations), ['Segment.io'])
  t.match(body, {
    metrics: { sampleRate: 0, host: `${new URL(url).host}/v1` },
    legacyVideoPluginsEnabled: false,
    remotePlugins: [],
    middlewareSettings: { routingRules: undefined },
    enabledMiddleware: {}
  })
  t.same(body['enabledMiddleware'], {})
})

t.test('the settings contain PUBLIC_URL with its path, and every cache may then store them', async t => {
  const { url } = await startApp(t, { env: { PUBLIC_URL: 'https://events.example.com/collect/' } })
  const { body, headers } = await ask(t, url + PATH, { method: 'GET', headers: { host: 'evil.example' } })
  t.match(segmentOf(body), { apiHost: 'events.example.com/collect/v1', protocol: 'https' })
  t.equal(headers['cache-control'], 'public, max-age=600')
})

const FORWARDED = { host: 'inside:3000', 'x-forwarded-host': 'events.example.com', 'x-forwarded-proto': 'https' }

t.test('a proxy is trusted only if TRUST_PROXY says so', async t => {
  for (const [trust, expected] of [
    ['false', { apiHost: 'inside:3000/v1', protocol: 'http' }],
    ['true', { apiHost: 'events.example.com/v1', protocol: 'https' }],
    ['loopback', { apiHost: 'events.example.com/v1', protocol: 'https' }],
    ['10.0.0.0/8', { apiHost: 'inside:3000/v1', protocol: 'http' }]
  ] as const) {
    const { url } = await startApp(t, { env: { TRUST_PROXY: trust } })
    const { body } = await ask(t, url + PATH, { method: 'GET', headers: FORWARDED })
    t.match(segmentOf(body), expected, `TRUST_PROXY=${trust} gives the expected settings`)
  }
})

t.test('an invalid Host is refused and not repeated', async t => {
  const { url } = await startApp(t)
  for (const host of ['a b', 'evil.example/path', 'a"b', 'user@evil.example', 'x:99999999']) {
    const { status, body } = await ask(t, url + PATH, { method: 'GET', headers: { host } })
    t.equal(status, 400, host)
    t.equal(body['code'], 'bad_request')
  }
  for (const host of ['events.example.com', '127.0.0.1:3000', '[::1]:3000', 'tributary_1']) {
    const { status, body } = await ask(t, url + PATH, { method: 'GET', headers: { host } })
    t.equal(status, 200, host)
    t.equal(segmentOf(body)?.['apiHost'], `${host}/v1`)
  }
})

t.test('every path that SDKs form by joining URLs works', async t => {
  const { url } = await startApp(t)
  for (const path of [
    '/v1/projects/wk_test/settings',
    '/projects/wk_test/settings',
    '/v1/projects/wk_test/settings/',
    '/v1/projects/projects/wk_test/settings',
    '/projects/projects/wk_test/settings'
  ]) {
    const { status, body } = await ask(t, url + path, { method: 'GET', authorization: null })
    t.equal(status, 200, path)
    t.match(segmentOf(body), { apiKey: 'wk_test' })
  }
  t.equal((await fetch(`${url}//v1//projects/wk_test/settings`)).status, 200)
})

t.test('if a host with /v1 is given to an SDK that adds its own, settings and events work', async t => {
  const { url, sink } = await startApp(t)
  t.equal((await fetch(`${url}/v1/v1/projects/wk_test/settings`)).status, 200)
  const body = JSON.stringify({ writeKey: 'wk_test', batch: [{ type: 'track', userId: 'u', event: 'e' }] })
  for (const path of ['/v1/v1/batch', '/v1/v1/import/', '/v1/v1/b']) {
    t.equal((await fetch(url + path, { method: 'POST', body })).status, 200, path)
  }
  t.equal(sink.records.length, 3)
})

t.test('an unknown key is a 404 as JSON, and a key of a disabled source a 401', async t => {
  const { url, adminUrl } = await startApp(t)
  const unknown = await ask(t, `${url}/v1/projects/wk_nobody/settings`, { method: 'GET', authorization: null })
  t.equal(unknown.status, 404)
  t.match(unknown.body, { success: false, code: 'write_key_unknown', message: 'no source has this write key' })
  const off = await ask(t, `${url}/v1/projects/wk_off/settings`, { method: 'GET', authorization: null })
  t.equal(off.status, 401)
  t.match(off.body, { success: false, code: 'source_disabled' })
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
  t.match(metrics, 'tributary_requests_refused_total{code="write_key_unknown"} 1')
  t.match(metrics, 'tributary_requests_refused_total{code="source_disabled"} 1')
})

t.test('pages of every origin get the settings; allowedOrigins refuses only their events', async t => {
  const { url } = await startApp(t)
  const headers = { origin: 'https://evil.example' }
  const settings = await ask(t, `${url}/v1/projects/wk_shop/settings`, { method: 'GET', headers })
  t.equal(settings.status, 200)
  const body = JSON.stringify({ writeKey: 'wk_shop', userId: 'u', event: 'e' })
  const event = await ask(t, `${url}/v1/t`, { headers, body, authorization: null })
  t.equal(event.status, 403)
  t.match(event.body, { code: 'origin_not_allowed' })
})

t.test('guesses at keys slow down the client that makes them, as on all other paths', async t => {
  const { url } = await startApp(t)
  let last = 0
  for (let guess = 0; guess <= 1_000; guess++) {
    const response = await fetch(`${url}/v1/projects/wk_guess_${guess}/settings`)
    last = response.status
    await response.arrayBuffer()
  }
  t.equal(last, 429)
})

t.test('other methods are refused, and a preflight is answered', async t => {
  const { url } = await startApp(t)
  const posted = await ask(t, url + PATH, { body: '{}' })
  t.equal(posted.status, 405)
  t.equal(posted.headers['allow'], 'GET, HEAD, OPTIONS')
  const headers = { origin: 'https://example.com', 'access-control-request-method': 'GET' }
  const preflight = await ask(t, url + PATH, { method: 'OPTIONS', headers, authorization: null })
  t.equal(preflight.status, 204)
  t.equal(preflight.headers['access-control-allow-origin'], '*')
})
