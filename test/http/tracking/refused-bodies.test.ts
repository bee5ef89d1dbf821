/** A body that is refused as a whole is stored with its error, if its source is known. */
import {
  brotliCompressSync,
  constants,
  crc32,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync
} from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { restoreRecord } from '../../../src/ingest/route/restore.ts'
import { createRouter } from '../../../src/ingest/route/route.ts'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import type { TestApp, TestAppOptions } from '../../support/app.ts'
import { basic, startApp } from '../../support/app.ts'
import type { Ask } from '../../support/http.ts'
import { ask, chunk, connectRaw, head } from '../../support/http.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import { until } from '../../support/until.ts'

type Json = Record<string, unknown>

const BODIES = 'tributary_rejected_bodies_total'
const REFUSED = 'tributary_requests_refused_total'
const EVENT = '{"type":"track","userId":"u","event":"e","messageId":"a"}'

/** The rejected records that hold bodies. */
function bodies({ sink }: TestApp): Json[] {
  const records = sink.records.map(({ line }) => JSON.parse(line.toString()) as Json)
  return records.filter(({ kind }) => kind === 'body')
}

function bytesOf({ body, encoding }: Json): Buffer {
  return Buffer.from(String(body), encoding === 'base64' ? 'base64' : 'utf8')
}

/** Bytes of bodies under way. */
async function held({ adminUrl }: TestApp): Promise<number> {
  return sumOf(await readMetrics(adminUrl), 'tributary_http_body_bytes_held')
}

/** Posts a body and returns the record in which it was stored. */
async function refuse(t: Test, path: string, options: Ask, start?: TestAppOptions): Promise<Json & { status: number }> {
  const server = await startApp(t, start)
  const { status } = await ask(t, `${server.url}${path}`, options)
  const [record] = bodies(server)
  t.equal(bodies(server).length, 1, 'there is one record for one body')
  return { ...record, status }
}

const CASES: readonly [what: string, code: string, path: string, body: string | Buffer][] = [
  ['not JSON', 'invalid_json', '/v1/batch', `{"batch":[${EVENT}${EVENT}]}`],
  ['cut off', 'invalid_json', '/v1/batch', `{"batch":[${EVENT},{"type":"tr`],
  ['NULs all over', 'invalid_json', '/v1/batch', '\0'.repeat(1_000)],
  ['Latin-1 in the envelope', 'invalid_utf8', '/v1/batch', Buffer.from(`{"a":"\xe9","batch":[${EVENT}]}`, 'latin1')],
  ['Latin-1 in a single call', 'invalid_utf8', '/v1/track', Buffer.from('{"userId":"\xe9","event":"e"}', 'latin1')],
  ['a key that stands twice', 'duplicate_key', '/v1/batch', `{"batch":[${EVENT}],"sentAt":1,"sentAt":2}`],
  ['no batch', 'batch_required', '/v1/batch', `{"events":[${EVENT}]}`],
  ['a batch that is no array', 'batch_not_array', '/v1/batch', `{"batch":${EVENT}}`],
  ['too many events', 'too_many_events', '/v1/batch', `{"batch":[${`${EVENT},`.repeat(2_500)}${EVENT}]}`],
  ['a single call that is an array', 'invalid_json', '/v1/identify', `[${EVENT}]`],
  ['a single call that is too large', 'payload_too_large', '/v1/track', `{"pad":"${'x'.repeat(33_000)}"}`]
]

t.test('a body that is refused as a whole is stored to the byte, with its error, on the rejected topic', async t => {
  for (const [what, code, path, body] of CASES) {
    const record = await refuse(t, path, { body })
    t.equal(record.status, 400, what)
    const type = path === '/v1/batch' ? 'unknown' : path.slice('/v1/'.length)
    t.match(record, { kind: 'body', code, type, path, source: 'web', complete: true, message: /\w/ }, what)
    t.ok(bytesOf(record).equals(Buffer.from(body)), `${what}: the stored bytes equal the body`)
    t.equal(record['encoding'], code === 'invalid_utf8' ? 'base64' : 'utf-8', what)
  }
})

t.test('a body is stored if its key is in the query, and not if the key is only in the body', async t => {
  const broken = '{"writeKey":"wk_test","batch":[{]}'
  const kept = await refuse(t, '/v1/batch?writeKey=wk_test', { body: broken, authorization: null })
  t.match(kept, { status: 400, code: 'invalid_json', source: 'web' })
  for (const [path, authorization] of [
    ['/v1/batch', null],
    ['/v1/batch?writeKey=wk_nobody', null],
    ['/v1/batch?writeKey=wk_off', null],
    ['/v1/batch', basic('wk_nobody')]
  ] as const) {
    const server = await startApp(t)
    t.ok((await ask(t, server.url + path, { body: broken, authorization })).status >= 400)
    t.same(server.sink.records, [], `a body without a known key is not stored: ${path}`)
  }
})

t.test('no write key is in a stored body, whole, cut off, or in another encoding', async t => {
  const texts = [
    '{"writeKey":"wk_test","batch":[{]}',
    '{"writeKey" : "wk_shop","batch":[{"note":"wk_test"]}',
    '{"batch":[],"writeKey":"wk_te',
    '{"batch":[{"writeKey":"wk_other"'
  ]
  const utf16 = ['{"writeKey":"wk_test"}', '{"note":"wk_test"}'].map(text => Buffer.from(text, 'utf16le'))
  const latin1 = texts.map(text => Buffer.from(`${text}\xe9`, 'latin1'))
  for (const body of [...texts.map(text => Buffer.from(text)), ...latin1, ...utf16, ...utf16.map(b => b.swap16())]) {
    const kept = bytesOf(await refuse(t, '/v1/batch', { body }))
    const seen = kept.toString('latin1').replaceAll('\0', '')
    t.notMatch(seen, /wk_/, seen)
    t.match(kept.toString('latin1'), /\[write key\]/)
  }
})

t.test('a write key of one letter, or with special characters of patterns, is replaced, and nothing else', async t => {
  for (const [key, body, kept] of [
    ['k', '{"track","k"', '{"trac[write key]","[write key]"'],
    ['a.b', '{"axb","a.b"', '{"axb","[write key]"'],
    ['(a|b)*$', '{"a","(a|b)*$"', '{"a","[write key]"']
  ] as const) {
    const start = { config: `sources: [{ id: web, writeKeys: ['${key}'] }]` }
    const record = await refuse(t, '/v1/batch', { body, authorization: basic(key) }, start)
    t.equal(record['body'], kept)
  }
})

t.test('a large body that arrives slowly is refused within seconds, and the received part is stored', async t => {
  const server = await startApp(t)
  const { write, answer } = await connectRaw(t, server.url)
  await write(`${head('/v1/batch', { 'content-length': 10_000_000 })}{"batch":[`)
  const started = performance.now()
  t.match(await answer(), { status: 400, body: { code: 'payload_too_large' } })
  t.ok(performance.now() - started < 5_000, 'the answer comes sooner than for a body of valid length')
  t.match(bodies(server), [{ complete: false, body: '{"batch":[' }])
})

t.test('a body that is too large is stored up to the limit of a batch', async t => {
  const env = { MAX_BATCH_BYTES: '100000', MAX_PUBLISH_BYTES: '1MiB' }
  const body = `{"batch":[${EVENT}],"pad":"${'x'.repeat(200_000)}"}`
  for (const options of [
    { body },
    { body, chunkBytes: 10_000 },
    { body: gzipSync(body), headers: { 'content-encoding': 'gzip' } }
  ]) {
    const record = await refuse(t, '/v1/batch', options, { env })
    t.match(record, { status: 400, code: 'payload_too_large', complete: false })
    t.equal(bytesOf(record).toString(), body.slice(0, 100_000))
  }
  const single = await refuse(t, '/v1/track', { body }, { env })
  t.match(single, { status: 400, code: 'payload_too_large', complete: false, type: 'track' })
  t.equal(bytesOf(single).length, 100_000, 'a batch keeps more bytes than a single call')
})

t.test('if a request ends before its body, the received part is stored', async t => {
  const server = await startApp(t)
  const { write, socket } = await connectRaw(t, server.url)
  await write(head('/v1/batch', { 'content-length': 1_000 }) + `{"batch":[${EVENT},`)
  await until(async () => (await held(server)) > 0, { what: 'the first part of the body' })
  socket.destroy()
  await until(() => bodies(server).length === 1, { what: 'the stored body' })
  const [record] = bodies(server)
  t.match(record, { code: 'incomplete_body', complete: false, body: `{"batch":[${EVENT},` })
})

t.test(
  'the decompressed part of a corrupt body is stored, and a body that is not compressed at all is stored as received',
  async t => {
    const headers = { 'content-encoding': 'gzip' }
    const whole = `{"batch":[${EVENT}],"pad":"${Array.from({ length: 50_000 }, (_, i) => i.toString(36)).join('')}"}`
    const cut = await refuse(t, '/v1/batch', { body: gzipSync(whole).subarray(0, -1_000), headers })
    t.match(cut, { status: 400, code: 'invalid_encoding', complete: false })
    const kept = bytesOf(cut).toString()
    t.ok(kept.length > 1_000 && whole.startsWith(kept), `${kept.length} characters are stored`)
    const plain = await refuse(t, '/v1/batch', { body: `{"batch":[${EVENT}]}`, headers })
    t.match(plain, { status: 400, code: 'invalid_encoding', complete: true, body: `{"batch":[${EVENT}]}` })
  }
)

t.test('the decompressed part of a body with more bytes after its end is stored, in every encoding', async t => {
  const server = await startApp(t)
  const gzips = {
    gzip: gzipSync,
    'x-gzip': gzipSync,
    'gzip of two members': twoMembers,
    'gzip with a long head': withLongHead
  }
  const others = {
    deflate: deflateSync,
    'deflate, bare': deflateRawSync,
    br: quickBrotli,
    zstd: zstdCompressSync
  }
  const pad = Array.from({ length: 20_000 }, (_, i) => i.toString(36)).join('')
  const tails = ['\0', 'x', '{"batch":[]}', ' '.repeat(70_000), '\x1f\x8b']
  let number = 0
  for (const [encoding, squeeze] of Object.entries({ ...gzips, ...others })) {
    const headers = { 'content-encoding': encoding.split(/[ ,]/)[0] as string }
    for (const tail of tails) {
      for (const options of [{ headers }, { headers, chunkBytes: 1_000 }]) {
        const whole = `{"n":${number++},"batch":[${EVENT}],"pad":"${number % 3 === 0 ? pad : ''}"}`
        const body = Buffer.concat([squeeze(whole), Buffer.from(tail, 'latin1')])
        const { status } = await ask(t, `${server.url}/v1/batch`, { body, ...options })
        const record = bodies(server).at(-1) ?? {}
        const what = `${encoding}, ${whole.length} characters, then ${JSON.stringify(tail.slice(0, 12))}`
        t.match({ status, ...record }, { status: 400, code: 'invalid_encoding', complete: false }, what)
        t.ok(bytesOf(record).toString() === whole, `${what}: ${bytesOf(record).length} bytes are stored`)
      }
    }
  }
  t.equal(bodies(server).length, number)
  await until(async () => (await held(server)) === 0, { what: 'the memory to be released' })
})

function quickBrotli(text: string): Buffer {
  return brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
}

/** As `gzip a b` makes it, and web servers that append. */
function twoMembers(text: string): Buffer {
  return Buffer.concat([gzipSync(text.slice(0, 20)), gzipSync(text.slice(20))])
}

/** With extra field, name, comment and checksum of the head (RFC 1952, 2.3). */
function withLongHead(text: string): Buffer {
  const plain = gzipSync(text)
  const head = Buffer.concat([plain.subarray(0, 10), Buffer.from('\x03\0abcname\0comment\0', 'latin1')])
  head[3] = 0b11110
  return Buffer.concat([head, Buffer.from(new Uint16Array([crc32(head) & 0xffff]).buffer), plain.subarray(10)])
}

/** Requests whose head shows that the body cannot be read. */
const UNREADABLE: readonly [what: string, code: string, headers: Record<string, string>, body: Buffer][] = [
  ['compress', 'encoding_unsupported', { 'content-encoding': 'compress' }, Buffer.from([0x1f, 0x9d, 0x90, 0xff, 0])],
  ['lz4', 'encoding_unsupported', { 'content-encoding': 'lz4' }, Buffer.from(`{"batch":[${EVENT}]}`)],
  ['gzip twice', 'encoding_unsupported', { 'content-encoding': 'gzip, gzip' }, gzipSync(gzipSync(EVENT))],
  [
    'UTF-16',
    'charset_unsupported',
    { 'content-type': 'application/json; charset=utf-16' },
    Buffer.from(EVENT, 'utf16le')
  ],
  [
    'Latin-1',
    'charset_unsupported',
    { 'content-type': 'application/json;charset="ISO-8859-1"' },
    Buffer.from('{"userId":"\xe9"}', 'latin1')
  ]
]

t.test('a body in an unsupported encoding or charset is stored as received, and its record names it', async t => {
  const server = await startApp(t)
  let number = 0
  for (const [what, code, headers, bytes] of UNREADABLE) {
    const name = /[\w, -]+(?="?$)/.exec(headers['content-encoding'] ?? headers['content-type'] ?? '')?.[0] ?? ''
    for (const path of ['/v1/batch', '/v1/track']) {
      for (const chunkBytes of [undefined, 3]) {
        for (const authorization of [basic(), null]) {
          const body = Buffer.concat([bytes, Buffer.from(`${number++}`)])
          const url = `${server.url}${path}${authorization === null ? '?writeKey=wk_test' : ''}`
          const { status } = await ask(t, url, {
            body,
            headers,
            authorization,
            ...(chunkBytes && { chunkBytes })
          })
          const record = bodies(server).at(-1) ?? {}
          t.match({ ...record, status }, { status: 415, kind: 'body', code, path, source: 'web', complete: true }, what)
          t.ok(bytesOf(record).equals(body), `${what}: the stored bytes equal the body`)
          t.ok(
            String(record['message']).includes(name.toLowerCase()),
            `the message contains ${name}: ${String(record['message'])}`
          )
        }
      }
    }
  }
  t.equal(bodies(server).length, number)
})

t.test('an unreadable body is a 415 and not stored if no source is known, or if the source may not send', async t => {
  const config = `sources:
  - { id: web, writeKeys: [wk_test], allowedOrigins: [https://shop.example] }
  - { id: off, writeKeys: [wk_off], enabled: false }`
  const server = await startApp(t, { config })
  const body = '{"writeKey":"wk_test","userId":"u"}'
  for (const [path, authorization, more] of [
    ['/v1/track', null, {}],
    ['/v1/track', basic('nobody'), {}],
    ['/v1/track?writeKey=nobody', null, {}],
    ['/v1/track?writeKey=wk_test&writeKey=wk_test', null, {}],
    ['/v1/track', basic('wk_off'), {}],
    ['/v1/track?writeKey=wk_off', null, {}],
    ['/v1/track', basic(), { origin: 'https://evil.example' }],
    ['/v1/track?writeKey=wk_test', null, { origin: 'https://evil.example' }]
  ] as const) {
    const answer = await ask(t, server.url + path, {
      authorization,
      body,
      headers: { 'content-encoding': 'x', ...more }
    })
    t.match(answer, { status: 415, body: { code: 'encoding_unsupported' } }, path)
  }
  t.match(await ask(t, `${server.url}/v1/track`, { body: '', headers: { 'content-encoding': 'x' } }), {
    status: 415
  })
  t.same(server.sink.records, [])
  const off = await startApp(t, { env: { REFUSED_BODIES_PER_HOUR: 'off' } })
  t.match(await ask(t, `${off.url}/v1/track`, { body, headers: { 'content-encoding': 'x' } }), {
    status: 415
  })
  t.same(off.sink.records, [])
})

t.test('stored bodies that cannot be read are bounded, hold no key, and are durable before the answer', async t => {
  const headers = { 'content-encoding': 'x' }
  const large = await refuse(t, '/v1/track', { body: 'x'.repeat(700_000), headers })
  t.match(large, { status: 415, complete: false })
  t.equal(bytesOf(large).length, 512 * 1024)
  const keyed = await refuse(t, '/v1/track', { body: '{"writeKey":"wk_test"}', headers })
  t.match(keyed, { body: '{"writeKey":"[write key]"}' })
  const named = await refuse(t, '/v1/track', {
    body: 'x',
    headers: { 'content-encoding': `<b>${'x'.repeat(5_000)}` }
  })
  t.ok(String(named['message']).length < 200, 'the message does not contain the whole name')
  t.notMatch(named['message'], /</)

  const server = await startApp(t)
  server.sink.failure = new SinkUnavailable('the disk is full', { retryAfterSeconds: 7 })
  t.match(await ask(t, `${server.url}/v1/track`, { body: 'x', headers }), {
    status: 503,
    headers: { 'retry-after': '7' }
  })
  server.sink.failure = undefined
  t.match(await ask(t, `${server.url}/v1/track`, { body: 'x', headers }), { status: 415 })
  const samples = await readMetrics(server.adminUrl)
  t.equal(sumOf(samples, BODIES, { source: 'web', outcome: 'kept' }), 1)
  t.equal(sumOf(samples, REFUSED, { code: 'encoding_unsupported' }), 1)
  t.equal(await held(server), 0)
})

t.test("a body that only its source's own limits refuse is stored, also if its key is only in the body", async t => {
  const config = `sources:
  - id: web
    writeKeys: [wk_test]
    limits: { maxBatchBytes: 2000, maxEventBytes: 500, maxBatchEvents: 5, maxPublishBytes: 3000 }`
  const event = (pad: number): string =>
    `{"type":"track","userId":"u","event":"e","properties":{"p":"${'x'.repeat(pad)}"}}`
  const bodies = {
    maxBatchBytes: `{"writeKey":"wk_test","batch":[${event(1)}],"pad":"${'x'.repeat(2_000)}"}`,
    maxBatchEvents: `{"writeKey":"wk_test","batch":[${Array.from({ length: 6 }, () => event(1)).join()}]}`,
    maxEventBytes: event(600).replace('{', '{"writeKey":"wk_test",')
  }
  for (const [limit, body] of Object.entries(bodies)) {
    const path = limit === 'maxEventBytes' ? '/v1/track' : '/v1/batch'
    for (const gzip of [false, true]) {
      const sent = gzip ? { body: gzipSync(body), headers: { 'content-encoding': 'gzip' } } : { body }
      const record = await refuse(t, path, { authorization: null, ...sent }, { config })
      t.match(record, {
        status: 400,
        source: 'web',
        complete: true,
        message: new RegExp(`limits.${limit} of the source`)
      })
      t.equal(bytesOf(record).toString(), body.replace('wk_test', '[write key]'))
    }
  }
})

t.test('the data of a pixel that is not JSON is stored too', async t => {
  const server = await startApp(t)
  const data = Buffer.from('{"userId":"u","event":').toString('base64url')
  t.equal((await fetch(`${server.url}/v1/pixel/track?writeKey=wk_test&data=${data}`)).status, 200)
  const record = { kind: 'body', type: 'track', path: '/v1/pixel/track', code: 'invalid_json' }
  t.match(bodies(server), [{ ...record, body: '{"userId":"u","event":' }])
})

t.test('the record of a body that waited on disk goes to the rejected topic of its type', async t => {
  const env = { REJECTED_TOPIC: 'refused.{type}' }
  const router = createRouter({ eventsTopic: 'events', rejectedTopic: 'refused.{type}', destinations: [] })
  for (const [path, topic] of [
    ['/v1/identify', 'refused.identify'],
    ['/v1/batch', 'refused.unknown']
  ] as const) {
    const server = await startApp(t, { env })
    await ask(t, `${server.url}${path}`, { body: '{' })
    const [record] = server.sink.records
    t.same(record?.topics, [topic])
    const restored = restoreRecord(record?.line ?? Buffer.alloc(0), router)
    t.match(restored, { kind: 'rejected', code: 'invalid_json', topics: [topic], source: 'web' })
  }
})

t.test('a body that needs more space as text than Kafka accepts is stored in base64', async t => {
  const body = `{"batch":["${'\x01'.repeat(400_000)}"`
  const record = await refuse(t, '/v1/batch', { body })
  t.equal(record['encoding'], 'base64')
  t.ok(JSON.stringify(record).length < 1024 * 1024)
  t.equal(bytesOf(record).toString(), body)
})

t.test('with a larger limit for batches, 512 KiB of a body are stored', async t => {
  const env = { MAX_BATCH_BYTES: '2MiB', MAX_PUBLISH_BYTES: '4MiB' }
  const body = `{"batch":[${'x'.repeat(600_000)}`
  const record = await refuse(t, '/v1/batch', { body }, { env })
  t.match(record, { code: 'invalid_json', complete: false })
  t.equal(bytesOf(record).toString(), body.slice(0, 512 * 1024))
})

t.test('a body that is sent again is stored once, and each is counted', async t => {
  const server = await startApp(t)
  for (const body of ['{"a"', '{"a"', '{"b"', '{"a"']) await ask(t, `${server.url}/v1/batch`, { body })
  t.equal(bodies(server).length, 2)
  const samples = await readMetrics(server.adminUrl)
  t.equal(sumOf(samples, BODIES, { source: 'web', outcome: 'kept' }), 2)
  t.equal(sumOf(samples, BODIES, { source: 'web', outcome: 'duplicate' }), 2)
  t.equal(sumOf(samples, REFUSED, { code: 'invalid_json' }), 4, 'each refused request is counted')
})

t.test('if a body should be stored and cannot be, the answer is 503, and a repeated body is stored', async t => {
  const server = await startApp(t)
  server.sink.failure = new SinkUnavailable('the disk is full', { retryAfterSeconds: 7 })
  const send = () => ask(t, `${server.url}/v1/batch`, { body: '{"batch":[' })
  const answer = await send()
  t.match([answer.status, answer.body, answer.headers], [503, { code: 'unavailable' }, { 'retry-after': '7' }])
  server.sink.failure = undefined
  t.match(await send(), { status: 400, body: { code: 'invalid_json' } })
  t.equal(bodies(server).length, 1)
  const samples = await readMetrics(server.adminUrl)
  t.equal(sumOf(samples, BODIES, { outcome: 'failed' }), 1)
  t.equal(sumOf(samples, REFUSED, { code: 'unavailable' }), 1)
})

t.test('stored bodies are bounded for each source and hour, and off stores nothing', async t => {
  let now = 0
  const clock = { now: () => Date.parse('2026-11-28T12:00:00Z'), monotonic: () => now }
  const server = await startApp(t, { env: { REFUSED_BODIES_PER_HOUR: '4550' }, clock })
  const send = (n: number, key = 'wk_test') =>
    ask(t, `${server.url}/v1/batch`, { body: `{"n":${n},"pad":"${'x'.repeat(980)}`, authorization: basic(key) })
  for (let n = 0; n < 5; n++) t.equal((await send(n)).status, 400, 'the answer is still 400')
  t.equal(bodies(server).length, 3)
  t.equal(sumOf(await readMetrics(server.adminUrl), BODIES, { outcome: 'over_limit' }), 2)
  await send(1, 'wk_shop')
  t.equal(bodies(server).length, 4, 'another source has its own limit')
  now += 20 * 60_000
  for (let n = 5; n < 8; n++) await send(n)
  t.equal(bodies(server).length, 5, 'after 20 minutes, a third of the limit can be used again')

  const off = await startApp(t, { env: { REFUSED_BODIES_PER_HOUR: 'off' } })
  t.equal((await ask(t, `${off.url}/v1/batch`, { body: '{' })).status, 400)
  t.same(off.sink.records, [])
})

t.test('the disk space of small bodies is bounded too: whole records count, not only the bodies', async t => {
  const server = await startApp(t, { env: { REFUSED_BODIES_PER_HOUR: '5000' } })
  for (let n = 100; n < 150; n++) {
    t.equal((await ask(t, `${server.url}/v1/track`, { body: `{"${n}` })).status, 400)
  }
  const kept = server.sink.records.reduce((sum, { line }) => sum + line.length, 0)
  t.ok(kept > 1_000 && kept < 5_000, `the records have ${kept} bytes`)
})

t.test('a refused body counts against the rate of its source like events of its size', async t => {
  const config = 'sources: [{ id: slow, rateLimit: { eventsPerSecond: 1 }, writeKeys: [wk_test] }]'
  const server = await startApp(t, { config, env: { MAX_BATCH_EVENTS: '20', MAX_EVENT_BYTES: '1000' } })
  const statuses: number[] = []
  for (let n = 0; n < 4; n++) {
    const answer = await ask(t, `${server.url}/v1/batch`, { body: `{"n":${n},"pad":"${'x'.repeat(5_500)}` })
    statuses.push(answer.status)
  }
  t.same(statuses, [400, 400, 400, 429], 'each body counts as six events, and 20 are allowed')
  t.equal(bodies(server).length, 3)
  t.equal(sumOf(await readMetrics(server.adminUrl), REFUSED, { code: 'rate_limited' }), 1)
})

t.test('neither an empty body nor an empty batch is stored, because they have no content', async t => {
  const server = await startApp(t)
  for (const body of ['', '{"batch":[]}']) {
    t.equal((await ask(t, `${server.url}/v1/batch`, { body })).status, 400)
  }
  t.same(server.sink.records, [])
})

t.test('an endless body with a known key costs no more than a batch, and its memory is released', async t => {
  const server = await startApp(t, { env: { MAX_BATCH_BYTES: '100000', MAX_PUBLISH_BYTES: '1MiB' } })
  const { write, answer } = await connectRaw(t, server.url)
  await write(head('/v1/track', { 'transfer-encoding': 'chunked' }))
  let answered = false
  const answering = answer().finally(() => (answered = true))
  for (let n = 0; !answered && n < 2_000; n++) {
    await write(chunk(`${n}`.padStart(1_000)))
    await new Promise(setImmediate)
  }
  t.match(await answering, { status: 400, body: { code: 'payload_too_large' } })
  t.equal(await held(server), 0)
  t.equal(bytesOf(bodies(server)[0] ?? {}).length, 100_000)
})
