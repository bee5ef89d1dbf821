/** Paths and documents of other vendors' SDKs; test/e2e/other-vendors.test.ts runs the SDKs themselves. */
import t from 'tap'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import { basic, startApp } from '../../support/app.ts'
import { ask } from '../../support/http.ts'
import { whileOverloaded } from '../../support/overload.ts'

const EVENT = { userId: 'u', groupId: 'g', previousId: 'p', event: 'e' }
const BATCH = JSON.stringify({ batch: [{ type: 'track', ...EVENT }] })

t.test("Jitsu's paths accept each type, with the key in X-Write-Key and a hidden key in the body", async t => {
  const { url, sink } = await startApp(t)
  const body = JSON.stringify({ ...EVENT, writeKey: '***' })
  const headers = { 'x-write-key': 'wk_test:secret' }
  for (const type of EVENT_TYPES) {
    for (const path of [`/api/s/${type}`, `/api/s/s2s/${type}`, `/v1/api/s/${type}`]) {
      t.equal((await ask(t, url + path, { authorization: null, headers, body })).status, 200, path)
      t.match(JSON.parse(String(sink.records.at(-1)?.line)), { type, projectId: 'web' })
    }
  }
  const unknown = await ask(t, `${url}/api/s/track`, { authorization: null, headers: { 'x-write-key': 'no' }, body })
  t.match(unknown.body, { code: 'write_key_unknown', message: /X-Write-Key/ })
  t.equal((await ask(t, `${url}/api/s/nonsense`, { authorization: null, headers, body })).status, 404)
})

t.test("the batches of RudderStack's beacon and of June's SDK for Python are accepted", async t => {
  const { url, sink } = await startApp(t)
  const beacon = await ask(t, `${url}/beacon/v1/batch?writeKey=wk_test`, {
    authorization: null,
    headers: { 'content-type': 'text/plain;charset=UTF-8' },
    body: BATCH
  })
  t.equal(beacon.status, 200)
  t.equal((await ask(t, `${url}/sdk/batch`, { body: BATCH })).status, 200)
  t.equal(sink.records.length, 2)
  t.equal((await ask(t, `${url}/beacon/v1/batch`, { authorization: null, body: BATCH })).status, 401)
})

const SOURCE_CONFIG = { source: { enabled: true, config: {}, destinations: [] } }

t.test("RudderStack's SDK gets the least that it needs, for a key in Basic authentication or in the query", async t => {
  const { url } = await startApp(t)
  const query = 'p=npm&v=3.34.1&build=modern&writeKey=wk_test&lockIntegrationsVersion=false'
  for (const [path, authorization] of [
    [`/sourceConfig/?${query}`, basic()],
    [`/sourceConfig/?${query}`, null],
    ['/sourceConfig', basic()],
    ['/v1/sourceConfig/', basic('wk_shop')]
  ] as const) {
    const headers = { origin: 'https://evil.example' }
    const answer = await ask(t, url + path, { method: 'GET', authorization, headers })
    t.equal(answer.status, 200, path)
    t.match(answer.body, SOURCE_CONFIG)
    t.notMatch(
      answer.text,
      /statsCollection|https?:|wk_|web|shop/,
      'the answer contains no other host and no other data of the source'
    )
    t.equal(answer.headers['cache-control'], 'private, max-age=600')
  }
  for (const [key, code] of [
    [basic('wk_nobody'), 'write_key_unknown'],
    [basic('wk_off'), 'source_disabled'],
    [null, 'write_key_missing']
  ] as const) {
    const answer = await ask(t, `${url}/sourceConfig/`, { method: 'GET', authorization: key })
    t.match(answer, { status: 401, body: { code } })
  }
})

t.test('an overloaded server gives the configuration too, because an SDK without it sends nothing', async t => {
  const app = await startApp(t)
  const headers = { authorization: basic() }
  for (const answer of await whileOverloaded(app, () => fetch(`${app.url}/sourceConfig/`, { headers }))) {
    t.equal(answer.status, 200)
  }
})

t.test("a source's settings are for Segment's SDKs, or for Customer.io's if the source says so", async t => {
  const config = `
sources:
  - { id: a, writeKeys: [wk_a] }
  - { id: b, writeKeys: [wk_b], settingsFor: segment }
  - { id: c, writeKeys: [wk_c], settingsFor: customer.io, allowedOrigins: ['https://shop.example'] }
`
  const { url } = await startApp(t, { config })
  const headers = { origin: 'https://evil.example' }
  for (const [key, name] of [
    ['wk_a', 'Segment.io'],
    ['wk_b', 'Segment.io'],
    ['wk_c', 'Customer.io Data Pipelines']
  ] as const) {
    const { body } = await ask(t, `${url}/v1/projects/${key}/settings`, { method: 'GET', authorization: null, headers })
    const integrations = body['integrations'] as Record<string, unknown>
    t.same(
      Object.keys(integrations),
      [name],
      'the settings have one integration, because a second one would make the SDK load code'
    )
    t.match(integrations[name], { apiKey: key, apiHost: `${new URL(url).host}/v1`, protocol: 'http' })
  }
})
