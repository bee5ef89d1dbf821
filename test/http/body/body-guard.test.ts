/** A client that is refused before, while or after it sends its body gets the whole answer at once. */
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  brotliCompressSync,
  constants,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync
} from 'node:zlib'
import { pino } from 'pino'
import type { Test } from 'tap'
import t from 'tap'
import { createBodyBudget, type BodyBudget } from '../../../src/http/body/body-budget.ts'
import { createServer } from '../../../src/http/server/server.ts'
import { registerTracking } from '../../../src/http/tracking/tracking.ts'
import { faultAnswer, SUCCESS } from '../../../src/ingest/pipeline/answer.ts'
import { DEFAULT_LIMITS } from '../../../src/model/limits.ts'
import { admitAll } from '../../support/admit-all.ts'
import { startApp } from '../../support/app.ts'
import { ask, askOnce, chunk, connectRaw, head } from '../../support/http.ts'
import { until } from '../../support/until.ts'

const EVENT = '{"userId":"u","event":"e"}'
const GZIP = { 'content-encoding': 'gzip' }
const CHUNKED = { 'transfer-encoding': 'chunked' }

t.test('an endless body is answered at the limit, while the client is still sending', async t => {
  const { url } = await startApp(t)
  for (const path of ['/v1/track', '/v1/batch']) {
    const { write, answer } = await connectRaw(t, url)
    await write(head(path, CHUNKED))
    let sent = 0
    let answered = false
    const answering = answer().finally(() => (answered = true))
    while (!answered && sent < 3_000_000) {
      await write(chunk(' '.repeat(1_000)))
      sent += 1_000
      await new Promise(setImmediate)
    }
    const { status, body } = await answering
    t.equal(status, 400)
    t.equal(body['code'], 'payload_too_large')
    t.ok(sent < 1_500_000, `the answer came after ${sent} bytes of an endless body`)
  }
})

t.test('an endless gzip bomb is answered at the limit too', async t => {
  const { url } = await startApp(t)
  const { write, answer } = await connectRaw(t, url)
  await write(head('/v1/track', { ...CHUNKED, ...GZIP }))
  const bomb = createGzip()
  bomb.on('data', (bytes: Buffer) => void write(chunk(bytes)))
  let answered = false
  const answering = answer().finally(() => (answered = true))
  const spaces = Buffer.alloc(100_000, ' ')
  let inflated = 0
  while (!answered && inflated < 50e6) {
    await new Promise(resolve => bomb.write(spaces, resolve))
    await new Promise(resolve => bomb.flush(constants.Z_SYNC_FLUSH, () => resolve(undefined)))
    inflated += spaces.length
    await new Promise(setImmediate)
  }
  bomb.destroy()
  t.equal((await answering).body['code'], 'payload_too_large')
  t.ok(inflated < 5e6, `the answer came after ${inflated} inflated bytes`)
})

t.test('a client that writes 905,057 bytes before it reads gets the answer, and can continue', async t => {
  const { url } = await startApp(t)
  const body = ' '.repeat(905_057)
  const { write, answer } = await connectRaw(t, url)
  await write(head('/v1/batch', { 'content-length': body.length }) + body)
  t.equal((await answer()).body['code'], 'payload_too_large')
  await write(head('/v1/track', { 'content-length': EVENT.length }) + EVENT)
  t.equal((await answer()).status, 200, 'the connection can still be used')
})

const REFUSED_EARLY = [
  ['a body that is declared too large', '/v1/batch', {}, 400],
  ['an unknown key', '/v1/batch', { authorization: `Basic ${btoa('wk_nobody:')}` }, 401],
  ['an unknown path', '/nope', {}, 404],
  ['an encoding that we cannot read', '/v1/batch', { 'content-encoding': 'lzma' }, 415]
] as const

t.test('a client that asks for the connection to be closed gets its answer too, and no reset', async t => {
  const { url } = await startApp(t)
  for (const [what, path, headers, status] of REFUSED_EARLY) {
    const { socket, write, answer, gone } = await connectRaw(t, url)
    socket.pause()
    await write(head(path, { 'content-length': 905_057, connection: 'close', ...headers }))
    for (let sent = 0; sent < 905_057; sent += 5_057 + 20_000 * Number(sent > 0)) {
      await write(' '.repeat(sent === 0 ? 5_057 : Math.min(25_057, 905_057 - sent)))
      await new Promise(setImmediate)
    }
    socket.resume()
    t.equal((await answer()).status, status, what)
    t.equal(await gone, 'closed', what)
  }
})

t.test('a client that still sends after the answer is disconnected', async t => {
  const { url } = await startApp(t)
  for (const authorization of ['Basic d2tfdGVzdDo=', 'Basic bm9ib2R5Og==']) {
    const { socket, write, answer, gone } = await connectRaw(t, url)
    await write(head('/v1/track', { authorization, 'content-length': 1e9 }))
    await answer()
    let sent = 0
    const megabyte = Buffer.alloc(1_000_000, ' ')
    while (!socket.destroyed && sent < 100e6) {
      await Promise.race([write(megabyte), gone])
      sent += megabyte.length
      await new Promise(setImmediate)
    }
    t.ok(sent < 50e6, `the client was disconnected after ${sent / 1e6} MB`)
  }
})

t.test('a bomb of 1000:1 costs no more memory than the limit', async t => {
  // Created first: a server whose event loop was blocked for so long would answer 503.
  const bombs = [
    [gzipSync(Buffer.alloc(100e6, ' ')), 'gzip'],
    [brotliCompressSync(Buffer.alloc(100e6, ' '), { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }), 'br'],
    [zstdCompressSync(Buffer.alloc(100e6, ' ')), 'zstd']
  ] as const
  const { url } = await startApp(t)
  await ask(t, `${url}/v1/batch`, { body: bombs[0][0], headers: GZIP })
  const used = (): number => process.memoryUsage().external + process.memoryUsage().heapUsed
  const before = used()
  let peak = before
  const watch = setInterval(() => (peak = Math.max(peak, used())), 1)
  for (const [body, encoding] of bombs) {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ask(t, `${url}/v1/batch`, { body, headers: { 'content-encoding': encoding } }))
    )
    t.same(new Set(answers.map(answer => answer.body['code'])), new Set(['payload_too_large']), encoding)
  }
  clearInterval(watch)
  t.ok(peak - before < 150e6, `10 bombs of 100 MB at a time took ${Math.round((peak - before) / 1e6)} MB`)
})

t.test('a body in chunks of one byte needs no more memory than one or two limits', async t => {
  // Random text, which cannot be compressed, so that there are as many chunks as possible. Created first, like the
  // bombs.
  const text = Array.from({ length: 300_000 }, () => Math.random().toString(36)[2] ?? '0').join('')
  const batch = `{"batch":[{"type":"track","userId":"u","event":"e"}],"pad":"${text}"}`
  const bodies = [
    { headers: {}, bytes: Buffer.from(batch) },
    { headers: GZIP, bytes: gzipSync(batch) }
  ].map(body => ({ ...body, wire: Buffer.concat(Array.from(body.bytes, byte => chunk(Buffer.of(byte)))) }))
  const { url } = await startApp(t)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = async (): Promise<number> => {
    for (let i = 0; i < 3; i++) {
      collect()
      await new Promise(setImmediate)
    }
    return process.memoryUsage().heapUsed + process.memoryUsage().external
  }
  for (const { headers, bytes, wire } of bodies) {
    const { write, answer } = await connectRaw(t, url)
    const before = await used()
    // The garbage collection blocks this process and the server in it, which sheds load until that is over.
    const calm = async (): Promise<boolean> => (await ask(t, `${url}/v1/track`, { body: EVENT })).status === 200
    await until(calm, { what: 'the server to be no longer overloaded' })
    await write(head('/v1/batch', { ...CHUNKED, ...headers }))
    for (let at = 0; at < wire.length; at += 60_000) {
      await write(wire.subarray(at, at + 60_000))
      await new Promise(setImmediate)
    }
    const held = (await used()) - before
    await write('0\r\n\r\n')
    t.equal((await answer()).status, 200)
    t.ok(held < 5e6, `${bytes.length} chunks took ${Math.round(held / 1e3)} KB`)
  }
})

t.test('the announced length of a body takes no memory before a good part of it has arrived', async t => {
  const { url, app } = await startApp(t)
  const held = async (): Promise<number> => {
    const { body } = await app.admin.inject('/metrics')
    return Number(/^tributary_http_body_bytes_held (\d+)$/m.exec(body)?.[1])
  }
  const clients = await Promise.all(Array.from({ length: 60 }, () => connectRaw(t, url)))
  const before = process.memoryUsage().arrayBuffers
  for (const sent of [1, 2]) {
    for (const { write } of clients) {
      await write(sent === 1 ? `${head('/v1/batch', { 'content-length': 500_000 })}{` : ' ')
    }
    await until(async () => (await held()) === clients.length * sent, { what: `${sent} bytes of each body` })
  }
  const grown = process.memoryUsage().arrayBuffers - before
  t.ok(grown < 8e6, `two bytes of each of 60 bodies took ${Math.round(grown / 1e3)} KB`)
})

const ENCODED: readonly (readonly [string, Buffer])[] = [
  ['gzip', gzipSync(EVENT)],
  ['deflate', deflateSync(EVENT)],
  ['deflate', deflateRawSync(EVENT)],
  ['br', brotliCompressSync(EVENT)],
  ['zstd', zstdCompressSync(EVENT)]
]

t.test('a body whose decoding fails, or that continues after its end, is a 400 and no event', async t => {
  const { url, sink } = await startApp(t)
  for (const [encoding, whole] of ENCODED) {
    const headers = { 'content-encoding': encoding }
    t.equal((await ask(t, `${url}/v1/track`, { headers, body: whole })).status, 200)
    const broken = {
      truncated: whole.subarray(0, -3),
      'almost nothing': whole.subarray(0, 1),
      garbage: Buffer.from('this is not compressed at all'),
      'with trailing bytes': Buffer.concat([whole, Buffer.from('trailing')]),
      'with trailing bytes in a chunk of their own': Buffer.concat([whole, Buffer.alloc(10)])
    }
    for (const [what, body] of Object.entries(broken)) {
      const chunkBytes = what.includes('chunk') ? whole.length : undefined
      const answer = await ask(t, `${url}/v1/track`, {
        headers,
        body,
        ...(chunkBytes === undefined ? {} : { chunkBytes })
      })
      t.equal(answer.status, 400, `${encoding} with ${what} is refused`)
      t.equal(answer.body['code'], 'invalid_encoding', `${encoding} with ${what} is invalid`)
    }
  }
  t.equal(sink.records.filter(({ kind }) => kind === 'event').length, ENCODED.length)
})

t.test('gzip in several members is one body (RFC 1952, 2.2)', async t => {
  const { url, sink } = await startApp(t)
  const body = Buffer.concat([gzipSync(EVENT.slice(0, 9)), gzipSync(EVENT.slice(9))])
  t.equal((await ask(t, `${url}/v1/track`, { headers: GZIP, body })).status, 200)
  t.equal((await ask(t, `${url}/v1/track`, { headers: GZIP, body, chunkBytes: 1 })).status, 200)
  t.equal(sink.records.length, 2)
})

t.test('an empty body is not JSON, whatever its encoding', async t => {
  const { url } = await startApp(t)
  for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'identity', '']) {
    const answer = await ask(t, `${url}/v1/track`, { headers: { 'content-encoding': encoding } })
    t.equal(answer.status, 400)
    t.equal(answer.body['code'], 'invalid_json')
  }
})

t.test('300 clients that disconnect in the middle of a body leave nothing behind', async t => {
  const { url, app } = await startApp(t)
  const openFiles = (): number => readdirSync('/proc/self/fd').length
  await ask(t, `${url}/v1/track`, { body: EVENT })
  const before = openFiles()
  for (let i = 0; i < 300; i++) {
    const { socket, write } = await connectRaw(t, url)
    await write(head('/v1/batch', i % 2 === 0 ? { 'content-length': 1_000 } : { ...CHUNKED, ...GZIP }))
    await write(i % 2 === 0 ? '{"batch":[' : chunk(gzipSync(EVENT).subarray(0, 15)))
    if (i % 3 === 0) socket.resetAndDestroy()
    else socket.destroy()
  }
  await until(() => openFiles() <= before + 5, { what: 'the files to be closed' })
  t.equal((await ask(t, `${url}/v1/track`, { body: EVENT })).status, 200)
  await until(async () => (await openConnections(app.tracking.server)) <= 2, { what: 'the connections to be closed' })
  t.pass('no file and no connection stayed open')
})

function openConnections(server: {
  getConnections(done: (error: Error | null, count: number) => void): unknown
}): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  )
}

t.test('a body that compression does not make smaller may be as large on the wire as its compressed form', async t => {
  const { url } = await startApp(t)
  const body = `{"batch":[{"type":"track","userId":"u","event":"e"}],"pad":"${'x'.repeat(600_000)}`.slice(0, 511_998)
  const stored = gzipSync(`${body}"}`, { level: 0 })
  t.ok(stored.length > 512_000)
  t.equal((await ask(t, `${url}/v1/batch`, { body: stored, headers: GZIP })).status, 200)
})

/** Starts the tracking API with this budget and a pipeline that accepts everything. @returns its URL */
async function startWith(t: Test, budget: BodyBudget, onIngest: () => void, onRefused: (code: string) => void) {
  const app = await createServer({
    logger: pino({ level: 'silent' }),
    trustProxy: false,
    cors: { origins: '*', sources: () => [] },
    connections: { maxConnections: 100, maxConnectionsPerIp: undefined, onRefused: () => undefined },
    tls: undefined
  })
  const source = { id: 'web', name: 'web', enabled: true, allowedOrigins: undefined, rateLimit: undefined }
  const ingest = async () => {
    onIngest()
    return SUCCESS
  }
  registerTracking(app, {
    pipeline: { ingest, refuse: async ({ fault }) => faultAnswer(fault) },
    authenticator: admitAll(source),
    limits: DEFAULT_LIMITS,
    onRefused,
    onBytes: () => undefined,
    budget
  })
  t.teardown(() => app.close())
  return app.listen({ port: 0, host: '127.0.0.1' })
}

t.test(
  'a body counts in the memory of all bodies until its answer, whether it arrives with its head or later',
  async t => {
    const budget = createBodyBudget(EVENT.length)
    const held: number[] = []
    const refused: string[] = []
    const url = await startWith(
      t,
      budget,
      () => held.push(budget.held),
      code => refused.push(code)
    )
    const connection = await connectRaw(t, url)
    const start = head('/v1/track', { 'content-length': EVENT.length })
    await connection.write(start + EVENT)
    t.equal((await connection.answer()).status, 200)
    await connection.write(start)
    await connection.write(EVENT)
    t.equal((await connection.answer()).status, 200)
    t.same(held, [EVENT.length, EVENT.length])
    t.equal(budget.held, 0)
    const larger = `${EVENT} `
    await connection.write(head('/v1/track', { 'content-length': larger.length }) + larger)
    t.equal((await connection.answer()).status, 503)
    t.same(refused, ['overloaded'])
    t.equal(budget.held, 0)
  }
)

t.test('bodies that together need too much memory are 503, and are accepted again once there is memory', async t => {
  const budget = createBodyBudget(100_000)
  const refused: string[] = []
  const url = await startWith(
    t,
    budget,
    () => undefined,
    code => refused.push(code)
  )
  const batch = `{"batch":[{"type":"track","userId":"u","event":"e"}],"pad":"${'x'.repeat(60_000)}"}`

  const slow = await connectRaw(t, url)
  await slow.write(head('/v1/batch', { 'content-length': batch.length }) + batch.slice(0, -1))
  await until(() => budget.held === batch.length - 1, { what: 'the memory to be taken by the slow body' })
  for (const [body, headers] of [
    [batch, {}],
    [gzipSync(batch), GZIP]
  ] as const) {
    const answer = await askOnce(t, `${url}/v1/batch`, { body, headers })
    t.equal(answer.status, 503)
    t.equal(answer.body['code'], 'overloaded')
    t.match(answer.headers['retry-after'], /^[1-9]\d*$/)
  }
  t.equal((await ask(t, `${url}/v1/track`, { body: EVENT })).status, 200, 'a small body is still accepted')
  await slow.write(batch.slice(-1))
  t.equal((await slow.answer()).status, 200)
  t.equal((await ask(t, `${url}/v1/batch`, { body: gzipSync(batch), headers: GZIP })).status, 200)

  for (const body of ['{', gzipSync(batch), Buffer.alloc(600_000)]) await ask(t, `${url}/v1/batch`, { body })
  const aborted = await connectRaw(t, url)
  await aborted.write(`${head('/v1/batch', { 'content-length': 100 })}{`)
  await until(() => budget.held === 1, { what: 'one byte of the body' })
  aborted.socket.destroy()
  await until(() => budget.held === 0, { what: 'all memory to be released' })
  t.same(
    refused.filter(code => code === 'overloaded'),
    ['overloaded', 'overloaded']
  )
})
