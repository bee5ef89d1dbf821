/** The source of a request: every place for a key, which key counts, and that no key is published. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import t from 'tap'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { isSameSecret } from '../../../src/http/caller/credentials.ts'
import { basic, CONFIG, inject, startApp } from '../../support/app.ts'
import { ask, connectRaw, head } from '../../support/http.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import { until } from '../../support/until.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

interface Way {
  readonly how: string
  readonly authorization?: string
  /** The header X-Write-Key. */
  readonly header?: string
  /** In the body. */
  readonly writeKey?: unknown
  readonly query?: string
  /** The source's id, or the code of the refusal. */
  readonly gives: string
  /** The part of a refusal's message about the first checked key, or about each of them. */
  readonly names?: string | readonly string[]
}

const WAYS: readonly Way[] = [
  { how: 'Basic with a colon', authorization: `Basic ${base64('wk_test:')}`, gives: 'web' },
  { how: 'Basic without the colon', authorization: `Basic ${base64('wk_test')}`, gives: 'web' },
  { how: 'Basic without padding', authorization: `Basic ${base64('wk_test').replaceAll('=', '')}`, gives: 'web' },
  {
    how: 'Basic with a password, which is ignored',
    authorization: `Basic ${base64('wk_test:pass:word')}`,
    gives: 'web'
  },
  { how: 'a scheme in lower case', authorization: `basic ${base64('wk_test:')}`, gives: 'web' },
  { how: 'a scheme in upper case and more spaces', authorization: `BASIC   ${base64('wk_test:')}`, gives: 'web' },
  { how: 'the second key of a source, as during a rotation of keys', authorization: basic('wk_second'), gives: 'web' },
  { how: 'Basic that is not base64', authorization: 'Basic !!!', gives: 'write_key_unknown' },
  { how: 'Basic without a value', authorization: 'Basic', gives: 'write_key_unknown' },
  { how: 'Basic with a key that is not encoded', authorization: 'Basic wk_test', gives: 'write_key_unknown' },
  { how: 'an unknown key', authorization: basic('wk_nobody'), gives: 'write_key_unknown' },
  { how: 'the key of a disabled source', authorization: basic('wk_off'), gives: 'source_disabled' },
  { how: 'a key that names a property of every object', authorization: basic('__proto__'), gives: 'write_key_unknown' },
  { how: 'a key in the body', writeKey: 'wk_test', gives: 'web' },
  { how: 'an unknown key in the body', writeKey: 'wk_nobody', gives: 'write_key_unknown' },
  { how: "a disabled source's key in the body", writeKey: 'wk_off', gives: 'source_disabled' },
  { how: 'an empty key in the body, which counts as missing', writeKey: '', gives: 'write_key_missing' },
  { how: 'a key in the body that is not a string, which counts as missing', writeKey: 5, gives: 'write_key_missing' },
  { how: 'a key in the query', query: '?writeKey=wk_test', gives: 'web' },
  { how: 'an escaped key in the query', query: '?a=b&writeKey=%77k_test', gives: 'web' },
  { how: 'an empty key in the query, which counts as missing', query: '?writeKey=', gives: 'write_key_missing' },
  { how: 'an unknown key in the query', query: '?writeKey=wk_nobody', gives: 'write_key_unknown' },
  { how: 'OAuth with the key in the body', authorization: 'Bearer token', writeKey: 'wk_test', gives: 'web' },
  {
    how: 'OAuth without a key',
    authorization: `Bearer ${'eyJ'.repeat(300)}`,
    gives: 'write_key_unknown',
    names: '(the Bearer token)'
  },
  { how: 'a Bearer token that is itself a key', authorization: 'Bearer wk_test', gives: 'web' },
  { how: 'a Bearer token, the scheme in upper case', authorization: 'BEARER  wk_second ', gives: 'web' },
  { how: 'Bearer without a value, which counts as missing', authorization: 'Bearer', gives: 'write_key_missing' },
  { how: 'another scheme, which counts as missing', authorization: 'Digest wk_test', gives: 'write_key_missing' },
  { how: 'a Bearer key before the body', authorization: 'Bearer wk_slow', writeKey: 'wk_test', gives: 'slow' },
  { how: "a disabled source's key as Bearer", authorization: 'Bearer wk_off', gives: 'source_disabled' },
  { how: 'a key in X-Write-Key', header: 'wk_test', gives: 'web' },
  { how: 'a key with a secret in X-Write-Key', header: 'wk_test:secret', gives: 'web' },
  { how: 'X-Write-Key before the body, which hides it', header: 'wk_test', writeKey: '***', gives: 'web' },
  { how: 'Basic before X-Write-Key', authorization: basic('wk_slow'), header: 'wk_test', gives: 'slow' },
  { how: 'an empty X-Write-Key, which counts as missing', header: '', gives: 'write_key_missing' },
  { how: 'an unknown X-Write-Key', header: 'wk_nobody', gives: 'write_key_unknown', names: '(X-Write-Key)' },
  { how: 'Basic before the body', authorization: basic('wk_slow'), writeKey: 'wk_test', gives: 'slow' },
  { how: 'Basic before the query', authorization: basic('wk_slow'), query: '?writeKey=wk_test', gives: 'slow' },
  { how: 'the body before the query', writeKey: 'wk_slow', query: '?writeKey=wk_test', gives: 'slow' },
  {
    how: "a site's own login beside the key in the body",
    authorization: `Basic ${base64('employee:password')}`,
    writeKey: 'wk_test',
    gives: 'web'
  },
  {
    how: "a site's own login beside the key in the query",
    authorization: `Basic ${base64('employee:password')}`,
    query: '?writeKey=wk_test',
    gives: 'web'
  },
  { how: 'broken Basic beside the key in the body', authorization: 'Basic !!!', writeKey: 'wk_test', gives: 'web' },
  { how: 'an unknown key in the body before the query', writeKey: 'nobody', query: '?writeKey=wk_test', gives: 'web' },
  {
    how: 'four places, of which only the last has a known key',
    authorization: basic('nobody'),
    header: 'nobody',
    writeKey: 'nobody',
    query: '?writeKey=wk_test',
    gives: 'web'
  },
  {
    how: "a site's own login beside a disabled source's key",
    authorization: basic('employee'),
    writeKey: 'wk_off',
    query: '?writeKey=wk_test',
    gives: 'source_disabled'
  },
  {
    how: 'of several unknown keys the first is named: Basic',
    authorization: basic('wk_nobody'),
    header: 'wk_nobody',
    writeKey: 'wk_nobody',
    query: '?writeKey=wk_nobody',
    gives: 'write_key_unknown',
    names: '(the user name of Basic)'
  },
  {
    how: 'of several unknown keys the first is named: the body',
    writeKey: 'wk_nobody',
    query: '?writeKey=wk_nobody',
    gives: 'write_key_unknown',
    names: '(writeKey in the body)'
  },
  {
    how: 'of several unknown keys the first is named: the query',
    query: '?writeKey=wk_nobody',
    gives: 'write_key_unknown',
    names: '(writeKey in the query)'
  },
  {
    how: 'a key that is in the query twice',
    query: '?writeKey=wk_test&writeKey=wk_test',
    gives: 'write_key_repeated',
    names: 'more than once'
  },
  {
    how: 'an empty key beside a valid key in the query',
    query: '?writeKey=&writeKey=wk_test',
    gives: 'write_key_repeated'
  },
  ...[
    { how: 'an unknown Basic', authorization: basic('somebody'), names: '(the user name of Basic)' },
    { how: 'a broken Basic', authorization: 'Basic !', names: '(the user name of Basic)' },
    { how: 'an unknown Bearer', authorization: 'Bearer token', names: '(the Bearer token)' },
    { how: 'an unknown X-Write-Key', header: 'nobody:secret', names: '(X-Write-Key)' },
    { how: 'an unknown key in the body', writeKey: 'nobody', names: '(writeKey in the body)' }
  ].flatMap(other =>
    ['wk_test', 'nobody'].map(key => ({
      ...other,
      how: `${other.how} beside ${key} twice in the query`,
      query: `?writeKey=${key}&writeKey=${key}`,
      gives: 'write_key_repeated',
      names: [other.names, 'more than once']
    }))
  ),
  {
    how: 'a key in the body beside two in the query',
    writeKey: 'wk_test',
    query: '?writeKey=a&writeKey=b',
    gives: 'web'
  },
  {
    how: 'an empty key in the body and a valid key in the query',
    writeKey: '',
    query: '?writeKey=wk_test',
    gives: 'web'
  },
  { how: 'no key', gives: 'write_key_missing' }
]

t.test('a key in each supported place gives its source, and the first known key counts', async t => {
  const { url, sink } = await startApp(t)
  for (const { how, authorization = null, header, writeKey, query = '', gives, names = '' } of WAYS) {
    for (const path of ['/v1/track', '/v1/batch']) {
      for (const gzip of [false, true]) {
        const event = { userId: 'u', event: 'e' }
        const payload =
          path === '/v1/track' ? { ...event, writeKey } : { batch: [{ type: 'track', ...event }], writeKey }
        const body = gzip ? gzipSync(JSON.stringify(payload)) : JSON.stringify(payload)
        const before = sink.records.length
        const headers: Record<string, string> = gzip ? { 'content-encoding': 'gzip' } : {}
        if (header !== undefined) headers['x-write-key'] = header
        const answer = await ask(t, url + path + query, { authorization, body, headers })
        const found = answer.status === 200 ? sink.records.at(-1)?.source : answer.body['code']
        t.equal(found, gives, `${how}: ${path}`)
        const missing = [names].flat().filter(name => !String(answer.body['message']).includes(name))
        if (answer.status !== 200) t.same(missing, [], `${how}: the message names the place`)
        t.equal(sink.records.length - before, answer.status === 200 ? 1 : 0)
        const challenged = answer.headers['www-authenticate'] !== undefined
        t.equal(challenged, gives === 'write_key_missing', 'only a request without a key gets a challenge')
      }
    }
  }
})

t.test('a body that cannot be read is refused as such, with or without a key: the key may be inside', async t => {
  const { url } = await startApp(t)
  t.equal((await ask(t, `${url}/v1/track`, { authorization: null, body: '{"writeKey":' })).body['code'], 'invalid_json')
  t.equal(
    (await ask(t, `${url}/v1/track`, { authorization: null, body: ' '.repeat(40_000) })).body['code'],
    'payload_too_large'
  )
})

t.test('a client with an unknown key is not told what is wrong with its body', async t => {
  const { url } = await startApp(t)
  const bodies = ['{"writeKey":', ' '.repeat(40_000), '{}\ufffd', '']
  for (const body of bodies) {
    const inHead = await ask(t, `${url}/v1/track`, { authorization: basic('nobody'), body })
    t.match(inHead, { status: 401, body: { code: 'write_key_unknown' } })
    const inQuery = await ask(t, `${url}/v1/track?writeKey=nobody`, { authorization: null, body })
    t.match(inQuery, { status: 401, body: { code: 'write_key_unknown' } })
    const known = await ask(t, `${url}/v1/track?writeKey=wk_test`, { authorization: basic('nobody'), body })
    t.equal(known.status, 400, 'with a valid key in the query, the client gets the error')
  }
})

t.test('each request of a connection uses its own key, whatever came before it', async t => {
  const { url, sink } = await startApp(t)
  const { write, answer } = await connectRaw(t, url)
  const body = '{"userId":"u","event":"e"}'
  const status = async (authorization: string): Promise<number> => {
    await write(head('/v1/track', { authorization, 'content-length': body.length }) + body)
    return (await answer()).status
  }
  t.equal(await status(basic('wk_test')), 200)
  t.equal(await status(basic('wk_test')), 200)
  t.equal(await status(basic('wk_tesT')), 401)
  t.equal(await status(basic('wk_slow')), 200)
  t.equal(await status(`Basic ${'A'.repeat(10_000)}`), 401)
  t.equal(await status(basic('wk_test')), 200)
  t.same(
    sink.records.map(({ source }) => source),
    ['web', 'web', 'slow', 'web']
  )
})

t.test('a key that is removed from the file is refused on open connections too', async t => {
  const { url, dir } = await startApp(t)
  const { write, answer } = await connectRaw(t, url)
  const body = '{"userId":"u","event":"e"}'
  const status = async (): Promise<number> => {
    await write(head('/v1/track', { 'content-length': body.length }) + body)
    return (await answer()).status
  }
  t.equal(await status(), 200)
  writeFileSync(join(dir, 'tributary.yml'), CONFIG.replace('wk_test', 'wk_fresh'))
  await until(async () => (await status()) === 401, { what: 'the key to be refused' })
})

t.test('secrets are equal only if all characters are', async t => {
  for (const [one, other] of [
    ['', ''],
    ['wk_a', 'wk_a']
  ] as const) {
    t.ok(isSameSecret(one, other))
  }
  for (const [one, other] of [
    ['wk_a', 'wk_b'],
    ['wk_a', 'wk_aa'],
    ['\u0101', '\u0001'],
    ['', 'a']
  ] as const) {
    t.notOk(isSameSecret(one, other))
  }
})

t.test('a page may send from an allowed Origin, and a server may send without any', async t => {
  const { url } = await startApp(t)
  const send = (headers: Record<string, string>, key = 'wk_shop') =>
    ask(t, `${url}/v1/track`, { headers, authorization: basic(key), body: '{"userId":"u","event":"e"}' })
  t.equal((await send({ origin: 'https://shop.example' })).status, 200)
  t.equal((await send({})).status, 200, 'a request without an Origin is accepted')
  t.equal((await send({ origin: 'HTTPS://Shop.Example' })).status, 200)
  for (const origin of ['https://evil.example', 'http://shop.example', 'https://shop.example.evil.example', 'null']) {
    const answer = await send({ origin })
    t.equal(answer.status, 403, origin)
    t.equal(answer.headers['access-control-allow-origin'], '*', 'the page can read the error')
    t.equal((await send({ origin }, 'wk_test')).status, 200, 'other sources accept the origin')
  }
})

t.test('an address is limited after 1,000 unknown keys a minute, and valid keys are accepted all the time', async t => {
  let minutes = 0
  const { url, app } = await startApp(t, { clock: { now: () => 0, monotonic: () => minutes * 60_001 } })
  const guess = (i: number) => {
    const authorization = basic(`wk_guess_${i}`)
    return inject(app, { method: 'POST', url: '/v1/track', headers: { authorization }, payload: '{}' })
  }
  const statuses: number[] = []
  for (let i = 0; i < 1_000; i++) {
    statuses.push((await guess(i)).statusCode)
    // Injected requests need no socket, so nothing else runs between them. A busy server would answer that it is
    // overloaded.
    await setImmediate()
  }
  t.ok(statuses.every(status => status === 401))
  const answer = await ask(t, `${url}/v1/track`, { authorization: basic('wk_guess') })
  t.equal(answer.status, 429)
  t.equal(answer.body['code'], 'too_many_unknown_keys')
  t.match(answer.headers['retry-after'], /^[1-9]\d*$/)
  t.equal(
    (await ask(t, `${url}/v1/track`, { body: '{"userId":"u","event":"e"}' })).status,
    200,
    'a valid key is accepted'
  )
  t.equal(
    (await ask(t, `${url}/v1/track`, { authorization: basic('wk_off') })).status,
    401,
    'a known key of a disabled source is not limited'
  )
  t.equal(
    (await ask(t, `${url}/v1/track`, { authorization: null, body: '{"writeKey":"wk_guess"}' })).status,
    429,
    'an unknown key in the body is limited'
  )
  const employee = { authorization: basic('employee'), body: '{"userId":"u","event":"e","writeKey":"wk_test"}' }
  t.equal((await ask(t, `${url}/v1/track`, employee)).status, 200, 'a valid key beside an unknown key is accepted')
  minutes = 1
  t.equal(
    (await ask(t, `${url}/v1/track`, { authorization: basic('wk_guess') })).status,
    401,
    'after a minute, unknown keys are not limited'
  )
})

t.test('each unknown key of a request counts, and none counts if the request has a valid key', async t => {
  const { url, app } = await startApp(t, { clock: { now: () => 0, monotonic: () => 0 } })
  const send = (query: string, payload: object) =>
    inject(app, {
      method: 'POST',
      url: `/v1/track?writeKey=${query}`,
      headers: { authorization: basic('guess'), 'x-write-key': 'guess' },
      payload
    })
  for (let i = 0; i < 300; i++) {
    t.equal((await send('guess', { userId: 'u', event: 'e', writeKey: 'wk_test' })).statusCode, 200)
    await setImmediate()
  }
  for (let i = 0; i < 250; i++) {
    t.equal((await send('guess', { writeKey: 'guess' })).statusCode, 401)
    await setImmediate()
  }
  t.equal(
    (await ask(t, `${url}/v1/track`, { authorization: basic('guess') })).status,
    429,
    'four times 250 unknown keys and one more are limited'
  )
})

t.test('no key occurs in a log line, a metric, an answer or a record', async t => {
  const lines: string[] = []
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString())
      done()
    }
  })
  const { url, adminUrl, sink } = await startApp(t, { logger: pino({ level: 'trace' }, stream) })
  const answers: string[] = []
  const send = async (path: string, options: Parameters<typeof ask>[2]): Promise<void> => {
    const answer = await ask(t, url + path, options)
    answers.push(answer.text + JSON.stringify(answer.headers))
  }
  for (const key of ['wk_test', 'wk_off', 'wk_secret_guess']) {
    const event = { userId: 'u', event: 'e', writeKey: key }
    for (const failure of [undefined, new SinkUnavailable('full'), new Error('a bug')]) {
      sink.failure = failure
      await send('/v1/track', { authorization: basic(key), body: JSON.stringify(event) })
      await send('/v1/track', { authorization: null, body: JSON.stringify(event) })
      await send(`/v1/track?writeKey=${key}`, { authorization: null, body: '{"userId":"u","event":"e"}' })
      await send('/v1/track', { authorization: basic(key), body: JSON.stringify({ ...event, userId: 5 }) })
      const broken = `{"type":"track","writeKey":"${key}","userId":NaN}`
      await send('/v1/batch', {
        authorization: null,
        body: `{"writeKey":"${key}","batch":[${JSON.stringify(event)},${broken}]}`
      })
    }
    await send(`/nope/${key}?writeKey=${key}`, { body: '{}' })
    await send(`/v1/%zz${key}?writeKey=${key}`, { body: '{}' })
    await send(`/v1/track?writeKey=${key}`, { method: 'GET' })
    await send('/v1/track', { authorization: basic(key), body: `{"writeKey":"${key}",` })
    await send('/v1/track', { authorization: basic(key), headers: { 'x-large': 'x'.repeat(40_000) } })
    const aborted = await connectRaw(t, url)
    await aborted.write(
      `${head(`/v1/track?writeKey=${key}`, { authorization: basic(key), 'content-length': 100 })}{"writeKey":"${key}"`
    )
    aborted.socket.resetAndDestroy()
    const garbage = await connectRaw(t, url)
    await garbage.write(`POST /v1/track?writeKey=${key} HTTP/1.1\r\nauthorization ${basic(key)}\r\n\r\n`)
    answers.push((await garbage.answer()).text)
  }
  const metrics = await readMetrics(adminUrl)
  t.ok(sumOf(metrics, 'tributary_requests_refused_total') > 10, 'the metrics have refused requests')
  t.ok(lines.length > 0, 'the log has lines')
  const written = {
    log: lines.join(''),
    metrics: JSON.stringify(metrics),
    answers: answers.join('\n'),
    records: sink.records.map(({ line }) => line.toString()).join('')
  }
  for (const [where, text] of Object.entries(written)) {
    for (const key of ['wk_test', 'wk_off', 'wk_secret_guess']) {
      t.notOk(text.includes(key), `${where} does not contain ${key}`)
      t.notOk(text.includes(base64(key).slice(0, 8)), `${where} does not contain ${key} in base64`)
    }
  }
})
