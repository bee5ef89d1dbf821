/**
 * Pages of other origins: the browser sends a preflight before every cross-origin call of an SDK, because of
 * Authorization.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { BATCH_PATHS, singlePaths } from '../../../src/http/paths.ts'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import { basic, CONFIG, startApp } from '../../support/app.ts'
import type { JsonAnswer } from '../../support/http.ts'
import { ask } from '../../support/http.ts'
import { until } from '../../support/until.ts'

const ORIGIN = 'https://shop.example'
/** The origin of a page that no source and no variable names. */
const ANYBODY = 'https://anybody.example'
const BODY = '{"userId":"u","event":"e"}'
/** The headers that SDKs request in a preflight, at first and on a retry, and those that a page may add. */
const ASKED = ['authorization', 'authorization,x-retry-count', 'authorization,content-type,x-retry-count']

t.test('every path allows a page of any origin to send what the SDKs send', async t => {
  const { url } = await startApp(t)
  const paths = [...EVENT_TYPES.flatMap(singlePaths), ...BATCH_PATHS, '/v1/import/', '/v1/t?writeKey=wk_test']
  for (const path of paths) {
    for (const asked of ASKED) {
      const headers = {
        origin: ANYBODY,
        'access-control-request-method': 'POST',
        'access-control-request-headers': asked
      }
      const {
        status,
        headers: allowed,
        text
      } = await ask(t, url + path, { method: 'OPTIONS', headers, authorization: null })
      t.equal(status, 204, path)
      t.equal(text, '')
      t.equal(allowed['access-control-allow-origin'], '*')
      t.match(allowed['access-control-allow-methods'], 'POST')
      t.same(allowed['access-control-allow-headers']?.split(/, ?/).sort(), asked.split(',').sort())
      t.match(allowed['access-control-max-age'], /^\d+$/, 'browsers may cache the answer')
    }
  }
})

t.test('every answer can be read by the page, and Retry-After with it', async t => {
  const { url } = await startApp(t)
  const answers = [
    await ask(t, `${url}/v1/t`, { headers: { origin: ANYBODY }, body: BODY }),
    await ask(t, `${url}/v1/t`, { headers: { origin: ANYBODY }, body: '{' }),
    await ask(t, `${url}/v1/t`, { headers: { origin: ANYBODY }, authorization: null }),
    await ask(t, `${url}/nope`, { headers: { origin: ANYBODY } }),
    await ask(t, `${url}/v1/t`, { headers: { origin: ANYBODY }, method: 'DELETE' })
  ]
  t.same(
    answers.map(({ status }) => status),
    [200, 400, 401, 404, 405]
  )
  for (const { headers } of answers) {
    t.equal(headers['access-control-allow-origin'], '*')
    t.match(headers['access-control-expose-headers'], /\bRetry-After\b/i)
    t.equal(headers['access-control-allow-credentials'], undefined)
  }
})

t.test('with CORS_ORIGINS only pages of these and of allowed origins can read, and caches get Vary', async t => {
  const { url, sink } = await startApp(t, { env: { CORS_ORIGINS: `${ORIGIN},http://localhost:8080` } })
  const preflight = (origin: string) =>
    ask(t, `${url}/v1/t`, {
      method: 'OPTIONS',
      authorization: null,
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }
    })
  for (const origin of [ORIGIN, 'http://localhost:8080']) {
    t.equal((await preflight(origin)).headers['access-control-allow-origin'], origin)
    const { headers } = await ask(t, `${url}/v1/t`, { headers: { origin }, body: BODY })
    t.equal(headers['access-control-allow-origin'], origin)
    t.match(headers['vary'], /\borigin\b/i)
  }
  for (const origin of ['https://evil.example', `${ORIGIN}.evil.example`, 'null']) {
    t.equal((await preflight(origin)).headers['access-control-allow-origin'], undefined)
    for (const body of [BODY, '{']) {
      const { headers } = await ask(t, `${url}/v1/t`, { headers: { origin }, body })
      t.equal(headers['access-control-allow-origin'], undefined)
      t.match(headers['vary'], /\borigin\b/i)
    }
  }
  t.equal((await ask(t, `${url}/v1/t`, { body: BODY })).status, 200, 'a request without an origin is accepted')
  t.ok(sink.records.length > 0)
  const tooLarge = await ask(t, `${url}/v1/t`, { headers: { origin: ORIGIN, 'x-large': 'x'.repeat(40_000) } })
  t.equal(tooLarge.status, 431)
  t.equal(
    tooLarge.headers['access-control-allow-origin'],
    undefined,
    'an answer before the headers are read allows no origin'
  )
})

t.test('the prepared answer to an accepted event has the headers of every other answer', async t => {
  const sources = `sources:
  - id: web
    writeKeys: [wk_test]
    allowedOrigins: [${ORIGIN}]
`
  for (const origins of ['*', 'https://www.example']) {
    const { url } = await startApp(t, { env: { CORS_ORIGINS: origins }, config: sources })
    for (const origin of [undefined, ORIGIN, 'https://www.example']) {
      const headers: Record<string, string> = origin === undefined ? {} : { origin }
      const [accepted, refused] = await Promise.all(
        [BODY, '{"userId":"u"}'].map(body => ask(t, `${url}/v1/t`, { headers, body }))
      )
      const shown = ({ headers }: JsonAnswer) => ({ ...headers, date: '', 'content-length': '' })
      t.equal(refused?.status, origin === undefined || origin === ORIGIN ? 400 : 403)
      t.equal(accepted?.status, refused?.status === 400 ? 200 : 403)
      t.same(shown(accepted as JsonAnswer), shown(refused as JsonAnswer), `with the origin ${origin}`)
      t.equal(accepted?.headers['content-length'], String(accepted?.text.length))
    }
  }
})

/** Sends a preflight from a page of `origin` and provokes every kind of answer, including those before any hook. */
async function answersTo(t: Test, url: string, origin: string): Promise<readonly JsonAnswer[]> {
  const asks = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
  const headers = { origin }
  return [
    await ask(t, `${url}/v1/t`, { method: 'OPTIONS', authorization: null, headers: asks }),
    await ask(t, `${url}/v1/t`, { headers, body: BODY }),
    await ask(t, `${url}/v1/t`, { headers, body: '{' }),
    await ask(t, `${url}/v1/t`, { headers, authorization: null }),
    await ask(t, `${url}/v1/%zz`, { headers }),
    await ask(t, `${url}/nope`, { headers }),
    await ask(t, `${url}/v1/projects/wk_test/settings`, { method: 'GET', headers })
  ]
}

t.test('pages of named origins may send with credentials, and pages that only a wildcard allows may not', async t => {
  for (const [env, named, others] of [
    [{}, ['https://shop.example', 'HTTPS://shop.example'], '*'],
    [{ CORS_ORIGINS: 'https://www.example' }, ['https://www.example', 'https://shop.example'], undefined]
  ] as const) {
    const { url } = await startApp(t, { env })
    for (const origin of named) {
      for (const { headers, status } of await answersTo(t, url, origin)) {
        t.equal(headers['access-control-allow-origin'], origin, `${status} names the origin exactly`)
        t.equal(headers['access-control-allow-credentials'], 'true')
        t.match(headers['vary'], /\borigin\b/i)
      }
    }
    for (const origin of ['https://evil.example', 'https://shop.example.evil.example', 'http://shop.example', 'null']) {
      for (const { headers, status } of await answersTo(t, url, origin)) {
        t.equal(
          headers['access-control-allow-origin'],
          others,
          `the ${status} to ${origin} has the expected allowed origin`
        )
        t.equal(headers['access-control-allow-credentials'], undefined)
        t.match(headers['vary'], /\borigin\b/i, 'caches store the answer for each origin separately')
      }
    }
    const { headers } = await ask(t, `${url}/v1/t`, { body: BODY })
    t.equal(headers['access-control-allow-credentials'], undefined, 'a request without an origin gets no credentials')
  }
})

t.test('an origin that a source newly allows may send with credentials without a restart', async t => {
  const { url, dir } = await startApp(t)
  const headers = { origin: 'https://new.example' }
  const answer = () => ask(t, `${url}/v1/t`, { headers, body: BODY })
  t.equal((await answer()).headers['access-control-allow-origin'], '*')
  writeFileSync(join(dir, 'tributary.yml'), CONFIG.replace('https://shop.example', headers.origin))
  const isNamed = async () => (await answer()).headers['access-control-allow-credentials'] === 'true'
  await until(isNamed, { what: 'the new origin to be allowed' })
  const old = await ask(t, `${url}/v1/t`, { headers: { origin: ORIGIN }, body: BODY })
  t.equal(old.headers['access-control-allow-credentials'], undefined, 'the old origin is no longer allowed')
})

t.test("a source's allowedOrigins refuse a page that sends, and not a page that reads settings", async t => {
  const { url } = await startApp(t)
  const headers = { origin: 'https://evil.example' }
  const asked = await ask(t, `${url}/v1/t`, {
    method: 'OPTIONS',
    authorization: null,
    headers: { ...headers, 'access-control-request-method': 'POST' }
  })
  t.equal(asked.status, 204, 'a preflight without a key is accepted')
  for (const [path, body] of [
    ['/v1/t', BODY],
    ['/v1/batch', `{"batch":[{"type":"track",${BODY.slice(1)}]}`]
  ] as const) {
    const answer = await ask(t, url + path, { headers, authorization: basic('wk_shop'), body })
    t.equal(answer.status, 403)
    t.equal(answer.body['code'], 'origin_not_allowed')
    const inBody = await ask(t, url + path, {
      headers,
      authorization: null,
      body: body.replace(/\}$/, ',"writeKey":"wk_shop"}')
    })
    t.equal(inBody.status, 403, 'a key in the body is refused too')
  }
})

t.test('OPTIONS without the headers of a preflight is answered too', async t => {
  const { url } = await startApp(t)
  t.equal((await ask(t, `${url}/v1/batch`, { method: 'OPTIONS', authorization: null })).status, 204)
})
