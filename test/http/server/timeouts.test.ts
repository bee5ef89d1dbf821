/** Slow clients get an answer and are disconnected. Other clients are not affected. */
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { pino } from 'pino'
import { createServer, DEFAULT_TIMEOUTS } from '../../../src/http/server/server.ts'
import type { ServerOptions } from '../../../src/http/server/server.ts'
import { registerTracking } from '../../../src/http/tracking/tracking.ts'
import { faultAnswer, SUCCESS } from '../../../src/ingest/pipeline/answer.ts'
import { DEFAULT_LIMITS } from '../../../src/model/limits.ts'
import { assertAnswerMatchesContract } from '../../support/contract-answers.ts'
import type { JsonAnswer } from '../../support/http.ts'
import { admitAll } from '../../support/admit-all.ts'
import { basic } from '../../support/app.ts'
import { connectRaw, head } from '../../support/http.ts'
import { TLS } from '../../support/tls.ts'
import { until } from '../../support/until.ts'

const SHORT = { headers: 400, request: 800, idle: 500, stalled: 1_200, check: 50 }
const EVENT = '{"userId":"u","event":"e"}'

interface StartOptions extends Partial<ServerOptions> {
  readonly onStart?: (app: FastifyInstance) => void
}

async function start(t: Test, { onStart, ...options }: StartOptions = {}): Promise<string> {
  const app = await createServer({
    logger: pino({ level: 'silent' }),
    trustProxy: false,
    cors: { origins: '*', sources: () => [] },
    connections: { maxConnections: 100, maxConnectionsPerIp: undefined, onRefused: () => undefined },
    tls: undefined,
    timeouts: SHORT,
    ...options
  })
  registerTracking(app, {
    pipeline: { ingest: async () => SUCCESS, refuse: async ({ fault }) => faultAnswer(fault) },
    authenticator: admitAll({ id: 'web', name: 'web', enabled: true, allowedOrigins: undefined, rateLimit: undefined }),
    limits: DEFAULT_LIMITS,
    onRefused: () => undefined,
    onBytes: () => undefined
  })
  t.teardown(() => app.close())
  onStart?.(app)
  return app.listen({ port: 0, host: '127.0.0.1' })
}

function timedOut(t: Test, { status, headers, text }: JsonAnswer): void {
  t.equal(status, 408)
  t.equal(headers['retry-after'], '1', 'SDKs send the request again')
  t.equal(headers['connection'], 'close')
  t.equal(headers['access-control-allow-origin'], '*')
  assertAnswerMatchesContract(t, { method: 'POST', path: '/v1/track', status, headers, body: text })
}

t.test('the defaults are 10 s for the head and 25 s for a request, and are checked often enough', async t => {
  t.match(DEFAULT_TIMEOUTS, { headers: 10_000, request: 25_000 })
  t.ok(DEFAULT_TIMEOUTS.check <= 5_000, 'the server checks more often than every 30 s, the default of Node')
})

t.test('a head that arrives slowly is a 408, and the connection ends', async t => {
  const { write, answer, gone, socket } = await connectRaw(t, await start(t))
  const started = performance.now()
  const drip = setInterval(() => socket.writable && socket.write('x'), 50)
  await write('POST /v1/track HTTP/1.1\r\nx: ')
  timedOut(t, await answer())
  clearInterval(drip)
  const waited = performance.now() - started
  t.ok(waited >= SHORT.headers && waited < SHORT.headers + 600, `the answer came after ${Math.round(waited)} ms`)
  await gone
})

t.test('a body that arrives slowly is a 408, whatever its framing, and the connection ends', async t => {
  const url = await start(t)
  const framings: Record<string, string | number>[] = [{ 'content-length': 10_000 }, { 'transfer-encoding': 'chunked' }]
  for (const headers of framings) {
    const { write, answer, gone, socket } = await connectRaw(t, url)
    const started = performance.now()
    await write(head('/v1/track', headers))
    const drip = setInterval(
      () => socket.writable && socket.write('content-length' in headers ? ' ' : '1\r\n \r\n'),
      50
    )
    timedOut(t, await answer())
    clearInterval(drip)
    const waited = performance.now() - started
    t.ok(
      waited >= SHORT.request - SHORT.check && waited < SHORT.request + 600,
      `the answer came after ${Math.round(waited)} ms`
    )
    await gone
  }
})

t.test('a client that connects and sends nothing, or becomes idle, is disconnected', async t => {
  const url = await start(t)
  const silent = await connectRaw(t, url)
  const idle = await connectRaw(t, url)
  await idle.write(head('/v1/track', { 'content-length': EVENT.length }) + EVENT)
  t.equal((await idle.answer()).status, 200)
  const started = performance.now()
  await silent.gone
  await idle.gone
  t.ok(performance.now() - started < 4_000)
})

t.test('a client that sends and never reads is disconnected', async t => {
  let server: FastifyInstance['server'] | undefined
  const url = await start(t, { onStart: app => (server = app.server) })
  const { socket, write } = await connectRaw(t, url)
  socket.pause()
  const flood = head('/nope', { 'content-length': 0 }).repeat(500)
  // On a fast machine the connection may end before its writes are delayed.
  let blocked = false
  while (!blocked && !socket.destroyed) {
    blocked = await Promise.race([write(flood).then(() => false), sleep(300, true)])
  }
  const open = (): Promise<number> => new Promise(resolve => server!.getConnections((_error, count) => resolve(count)))
  await until(async () => (await open()) === 0, { what: 'the connection to be closed' })
  t.pass('the connection was closed')
})

t.test('an answer is not followed by a second one if the rest of the body never arrives', async t => {
  // The server reads the body for up to a second to store it, and answers then. A busy machine needs longer, and
  // `stalled` would close the connection before.
  const url = await start(t, { timeouts: { ...SHORT, headers: 8_000, request: 8_000, stalled: 8_000 } })
  const { write, answer, gone, socket } = await connectRaw(t, url)
  await write(head('/v1/track', { 'content-length': 600_000 }))
  const seen: Buffer[] = []
  const refused = await answer()
  t.equal(refused.status, 400)
  t.equal(refused.body['code'], 'payload_too_large')
  socket.on('data', (bytes: Buffer) => seen.push(bytes))
  await gone
  t.equal(Buffer.concat(seen).toString(), '', 'the connection is closed without an answer')
})

t.test('other clients are answered at once beside 90 slow clients', async t => {
  const url = await start(t, { timeouts: { ...SHORT, request: 5_000 } })
  const slow = await Promise.all(Array.from({ length: 90 }, () => connectRaw(t, url)))
  for (const { write } of slow) await write(head('/v1/track', { 'content-length': 1_000 }))
  const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write(' ')), 20)
  const times: number[] = []
  for (let i = 0; i < 100; i++) {
    const started = performance.now()
    t.equal(
      (await fetch(`${url}/v1/track`, { method: 'POST', body: EVENT, headers: { authorization: basic() } })).status,
      200
    )
    times.push(performance.now() - started)
  }
  clearInterval(drip)
  t.ok(times.sort((a, b) => a - b)[90]! < 200, `90 % of the requests were answered within ${Math.round(times[90]!)} ms`)
})

t.test('all of this holds with TLS too', async t => {
  const url = await start(t, { tls: TLS })
  const port = Number(new URL(url).port)
  const converse = async (...pieces: readonly string[]): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: TLS.cert, servername: 'localhost' })
    t.teardown(() => socket.destroy())
    for (const piece of pieces) socket.write(piece)
    return text(socket)
  }
  const close = { connection: 'close' }
  t.match(await converse(head('/v1/track', { ...close, 'content-length': EVENT.length }), EVENT), /^HTTP\/1\.1 200 /)
  t.match(await converse('POST /v1/track HTTP/1.1\r\nx: '), /^HTTP\/1\.1 408 [^]*"code":"request_timeout"/)
  t.match(await converse(head('/v1/track', { 'content-length': 100 })), /^HTTP\/1\.1 408 [^]*"code":"request_timeout"/)
  t.match(
    await converse(head('/v1/track', { 'x-large': 'x'.repeat(40_000) })),
    /^HTTP\/1\.1 431 [^]*"code":"headers_too_large"/
  )
  t.match(await converse('POST /v1/track HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 [^]*"code":"bad_request"/)
  const tooLarge = converse(head('/v1/batch', { ...close, 'content-length': 905_057 }), ' '.repeat(905_057))
  t.match(await tooLarge, /^HTTP\/1\.1 400 [^]*"code":"payload_too_large"/)
})

t.test('a client that never finishes the TLS handshake, or sends HTTP to a TLS port, is disconnected', async t => {
  const url = (await start(t, { tls: TLS })).replace('https', 'http')
  const silent = await connectRaw(t, url)
  const plain = await connectRaw(t, url)
  await plain.write(head('/v1/track', { 'content-length': 0 }))
  const started = performance.now()
  await Promise.all([silent.gone, plain.gone])
  t.ok(performance.now() - started < 2_000)
})
