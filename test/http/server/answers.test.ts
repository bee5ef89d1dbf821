/** Each status has its code, its headers, and a JSON body as in the contract. */
import t from 'tap'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { basic, startApp } from '../../support/app.ts'
import type { Ask } from '../../support/http.ts'
import { ask, connectRaw, head } from '../../support/http.ts'

const GOOD = { userId: 'u', event: 'e' }
const TRACK = JSON.stringify(GOOD)

interface Row extends Ask {
  readonly promise: string
  readonly path?: string
  readonly status: number
  readonly code?: string
  readonly answerHeaders?: Readonly<Record<string, RegExp | undefined>>
}

const NO_CHALLENGE = { 'www-authenticate': undefined }
const WHOLE_SECONDS = { 'retry-after': /^[1-9]\d*$/ }

const ROWS: readonly Row[] = [
  { promise: 'a good event', body: TRACK, status: 200 },
  { promise: 'a body that is not JSON', body: '{', status: 400, code: 'invalid_json' },
  { promise: 'an event that breaks the schema', body: '{"userId":"u"}', status: 400, code: 'event_not_defined' },
  { promise: 'a body that is too big', body: ' '.repeat(40_000), status: 400, code: 'payload_too_large' },
  {
    promise: 'no key at all',
    authorization: null,
    body: TRACK,
    status: 401,
    code: 'write_key_missing',
    answerHeaders: { 'www-authenticate': /^Basic realm="/ }
  },
  { promise: 'no key and no body', authorization: null, status: 401, code: 'write_key_missing' },
  {
    promise: 'an unknown key',
    authorization: basic('wk_nobody'),
    body: TRACK,
    status: 401,
    code: 'write_key_unknown',
    answerHeaders: NO_CHALLENGE
  },
  {
    promise: 'the key of a disabled source',
    authorization: basic('wk_off'),
    body: TRACK,
    status: 401,
    code: 'source_disabled',
    answerHeaders: NO_CHALLENGE
  },
  {
    promise: 'an Origin that the source does not allow',
    authorization: basic('wk_shop'),
    headers: { origin: 'https://evil.example' },
    body: TRACK,
    status: 403,
    code: 'origin_not_allowed'
  },
  { promise: 'an unknown path', path: '/v1/nope', body: TRACK, status: 404, code: 'not_found' },
  {
    promise: 'an unknown path with a broken content type',
    path: '/nope',
    headers: { 'content-type': 'nonsense' },
    body: TRACK,
    status: 404,
    code: 'not_found'
  },
  {
    promise: 'GET where only POST works',
    method: 'GET',
    status: 405,
    code: 'method_not_allowed',
    answerHeaders: { allow: /^POST, OPTIONS$/ }
  },
  {
    promise: 'PUT with a body where only POST works',
    method: 'PUT',
    body: TRACK,
    status: 405,
    code: 'method_not_allowed',
    answerHeaders: { allow: /^POST, OPTIONS$/ }
  },
  {
    promise: 'a method that few have heard of',
    method: 'PROPFIND',
    body: TRACK,
    status: 405,
    code: 'method_not_allowed',
    answerHeaders: { allow: /^POST, OPTIONS$/ }
  },
  {
    promise: 'a wrong method with a broken content type',
    method: 'PATCH',
    headers: { 'content-type': '/' },
    body: TRACK,
    status: 405,
    code: 'method_not_allowed'
  },
  {
    promise: 'a URL that is too long',
    path: `/v1/track?x=${'x'.repeat(17_000)}`,
    body: TRACK,
    status: 414,
    code: 'uri_too_long'
  },
  {
    promise: 'an encoding that we cannot read',
    headers: { 'content-encoding': 'compress' },
    body: TRACK,
    status: 415,
    code: 'encoding_unsupported'
  },
  {
    promise: 'two encodings on top of one another',
    headers: { 'content-encoding': 'gzip, gzip' },
    body: TRACK,
    status: 415,
    code: 'encoding_unsupported'
  },
  {
    promise: 'a charset that we cannot read',
    headers: { 'content-type': 'application/json; charset=utf-16' },
    body: TRACK,
    status: 415,
    code: 'charset_unsupported'
  },
  {
    promise: 'headers that are too large',
    headers: { 'x-large': 'x'.repeat(40_000) },
    body: TRACK,
    status: 431,
    code: 'headers_too_large'
  }
]

t.test('every answer has its status, its code, its headers, CORS, and is JSON', async t => {
  const { url, sink } = await startApp(t)
  for (const { promise, path = '/v1/track', status, code, answerHeaders = {}, ...request } of ROWS) {
    await t.test(`${promise}: ${status}`, async t => {
      const answer = await ask(t, url + path, request)
      t.equal(answer.status, status)
      t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
      t.equal(answer.headers['access-control-allow-origin'], '*', 'a page can read the answer')
      if (code === undefined) t.same(answer.body, { success: true })
      else t.match(answer.body, { success: false, code, message: /\w/ })
      for (const [name, form] of Object.entries(answerHeaders)) {
        if (form === undefined) t.equal(answer.headers[name], undefined, `the answer has no header ${name}`)
        else t.match(answer.headers[name], form)
      }
    })
  }
  t.equal(sink.records.filter(({ kind }) => kind === 'event').length, 1, 'only the valid event was published')
})

t.test('a source over its rate gets the whole seconds that it must wait', async t => {
  const clock = { now: () => 0, monotonic: () => 0 }
  const { url, sink } = await startApp(t, { clock, env: { MAX_BATCH_EVENTS: '12' } })
  const send = (count: number) => {
    const batch = Array.from({ length: count }, () => ({ type: 'track', ...GOOD }))
    return ask(t, `${url}/v1/batch`, { authorization: basic('wk_slow'), body: JSON.stringify({ batch }) })
  }
  t.equal((await send(8)).status, 200)
  const answer = await send(8)
  t.equal(answer.status, 429)
  t.equal(answer.body['code'], 'rate_limited')
  t.match(answer.headers, {
    ...WHOLE_SECONDS,
    'access-control-allow-origin': '*',
    'access-control-expose-headers': /Retry-After/i
  })
  t.equal(sink.records.length, 8, 'nothing of the refused request was published')
  t.equal((await send(4)).status, 200, 'the refused request took nothing from the rate')
})

t.test('events that cannot be made durable are 503, and their messageIds may be sent again', async t => {
  const { url, sink } = await startApp(t)
  const body = JSON.stringify({
    batch: [
      { type: 'track', messageId: 'm1', ...GOOD },
      { type: 'track', messageId: 'bad', userId: 7 }
    ]
  })
  sink.failure = new SinkUnavailable('the disk is full', { retryAfterSeconds: 7 })
  const refused = await ask(t, `${url}/v1/batch`, { body })
  t.equal(refused.status, 503, 'a 503 has priority over the 400 of another event')
  t.match(refused.body, { success: false, code: 'unavailable' })
  t.equal(refused.headers['retry-after'], '7')
  sink.failure = undefined
  const again = await ask(t, `${url}/v1/batch`, { body })
  t.match(again.body, { accepted: 1, duplicates: 0, rejected: 1 }, 'the failed attempt left no messageId')
  t.match((await ask(t, `${url}/v1/batch`, { body })).body, { accepted: 0, duplicates: 1, rejected: 1 })
})

t.test('Retry-After is in whole seconds, whatever the sink returns', async t => {
  const { url, sink } = await startApp(t)
  sink.failure = new SinkUnavailable('later', { retryAfterSeconds: 0.2 })
  t.equal((await ask(t, `${url}/v1/track`, { body: TRACK })).headers['retry-after'], '1')
})

t.test('a bug in the server is a 503 that does not show its cause', async t => {
  const { url, sink } = await startApp(t)
  sink.failure = new TypeError('cannot read secret of undefined')
  const answer = await ask(t, `${url}/v1/track`, { body: TRACK })
  t.equal(answer.status, 503)
  t.equal(answer.body['code'], 'internal_error')
  t.match(answer.headers, WHOLE_SECONDS)
  t.notMatch(answer.text, 'secret')
})

t.test('a URL that cannot be decoded is a 400 that a page can read', async t => {
  const { url } = await startApp(t)
  const answer = await ask(t, `${url}/v1/%zz`, { body: TRACK })
  t.equal(answer.status, 400)
  t.match(answer.body, { success: false, code: 'bad_request' })
  t.equal(answer.headers['access-control-allow-origin'], '*')
})

t.test('errors that Node would answer with an empty body are JSON too', async t => {
  const { url } = await startApp(t)
  const exchange = async (request: string) => {
    const { write, answer } = await connectRaw(t, url)
    await write(request)
    return answer()
  }
  const noHost = await exchange(
    `POST /v1/track HTTP/1.1\r\nauthorization: ${basic()}\r\ncontent-length: ${TRACK.length}\r\n\r\n${TRACK}`
  )
  t.equal(noHost.status, 400, 'HTTP/1.1 without Host (RFC 9112, 3.2)')
  t.equal(noHost.body['code'], 'bad_request')
  const expects = await exchange(`${head('/v1/track', { expect: 'tea', 'content-length': TRACK.length })}${TRACK}`)
  t.equal(expects.status, 200, 'an unknown expectation is ignored (RFC 9110, 10.1.1)')
  const upgrade = await exchange(
    `${head('/v1/track', { connection: 'upgrade', upgrade: 'websocket', 'content-length': TRACK.length })}${TRACK}`
  )
  t.equal(upgrade.status, 200, 'an unknown upgrade is ignored (RFC 9110, 7.8)')
  const tunnel = await exchange('CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n')
  t.equal(tunnel.status, 400, 'a tunnel is refused')
  t.equal(tunnel.body['code'], 'bad_request')
})

t.test('a client that waits for 100 Continue gets it, and then its answer', async t => {
  const { url } = await startApp(t)
  const { write, answer } = await connectRaw(t, url)
  await write(head('/v1/track', { expect: '100-continue', 'content-length': TRACK.length }))
  t.equal((await answer()).status, 100)
  await write(TRACK)
  t.equal((await answer()).status, 200)
})

t.test('HTTP/1.0 works, with and without Host', async t => {
  const { url } = await startApp(t)
  const { write, answer, gone } = await connectRaw(t, url)
  await write(`POST /v1/track HTTP/1.0\r\nauthorization: ${basic()}\r\ncontent-length: ${TRACK.length}\r\n\r\n${TRACK}`)
  t.equal((await answer()).status, 200)
  t.equal(await gone, 'closed')
})

t.test('trailing and doubled slashes from joined URLs are ignored', async t => {
  const { url } = await startApp(t)
  for (const path of ['/v1/track/', '//v1/track', '/v1//track', '/v1/import/']) {
    const body = path.includes('import') ? JSON.stringify({ batch: [{ type: 'track', ...GOOD }] }) : TRACK
    const response = await fetch(url + path, { method: 'POST', headers: { authorization: basic() }, body })
    t.equal(response.status, 200, path)
  }
})
