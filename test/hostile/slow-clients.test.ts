/**
 * Many clients that send nothing, or next to nothing, against the real server. `npm run test:crowds` opens 10,000 idle
 * connections. Here there are fewer, so that the limit of open files of any machine is sufficient.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { Lap } from '../support/honest.ts'
import { startHonestClient } from '../support/honest.ts'
import { readMetrics, sumOf } from '../support/metrics.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { request } from './cases/case.ts'

const IDLE = Number(process.env['IDLE_CONNECTIONS'] ?? 500)
const SLOW = Number(process.env['SLOW_CLIENTS'] ?? 400)
const CONNECT_AT_ONCE = 200
/** Or three times the latency without these clients, if the machine is busy. */
const MAX_P99_MS = 100
const ENDED_WITHIN_MS = 30_000

t.setTimeout(180_000)

async function crowd(t: Test, url: string, size: number): Promise<Socket[]> {
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = []
  t.teardown(() => sockets.forEach(socket => socket.destroy()))
  while (sockets.length < size) {
    const some = Array.from({ length: Math.min(CONNECT_AT_ONCE, size - sockets.length) }, async () => {
      const socket = connect({ host: hostname, port: Number(port) })
      socket.on('error', () => undefined)
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      return socket
    })
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

/** The p99 of other clients' requests in milliseconds, once the server has warmed up. */
async function warmUp(lap: () => Promise<Lap>): Promise<number> {
  await sleep(1_500)
  await lap()
  await sleep(1_500)
  return (await lap()).p99
}

t.test(`${IDLE} idle connections cost other clients nothing`, async t => {
  const server = await startServer(t)
  const lap = startHonestClient(t, server.url)
  const usual = await warmUp(lap)
  const before = server.memory()
  const sockets = await crowd(t, server.url, IDLE)
  const open = async (): Promise<number> => sumOf(await readMetrics(server.adminUrl), 'tributary_http_connections')
  await until(async () => (await open()) >= IDLE, { what: 'all connections to be open' })
  await lap()
  await sleep(3_000)
  const { requests, failures, p50, p99 } = await lap()
  const grown = (server.memory() - before) / 1e6
  t.comment(
    `${IDLE} idle connections: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms of ${requests} requests; memory grew by ${grown.toFixed(0)} MB`
  )
  t.same(failures, [])
  t.ok(requests > 30, `${requests} honest requests were sent`)
  t.ok(
    p99 < Math.max(MAX_P99_MS, usual * 3),
    `the p99 is ${p99.toFixed(1)} ms, and ${usual.toFixed(1)} ms without idle connections`
  )
  t.ok(grown < 100 + IDLE / 100, `the memory grew by ${grown.toFixed(0)} MB`)
  for (const socket of sockets) socket.destroy()
})

t.test(`${SLOW} clients that send one byte a second are disconnected within 30 s, and cost others nothing`, async t => {
  const server = await startServer(t)
  const lap = startHonestClient(t, server.url)
  const usual = await warmUp(lap)
  const sockets = await crowd(t, server.url, SLOW)
  const started = performance.now()
  const lasted: number[] = []
  const statuses: Record<string, number> = {}
  for (const [i, socket] of sockets.entries()) {
    socket.once('data', (answer: Buffer) => {
      const status = answer.toString('latin1', 9, 12)
      statuses[status] = (statuses[status] ?? 0) + 1
    })
    socket.on('close', () => lasted.push(performance.now() - started))
    if (i % 2 === 0) socket.write('POST /v1/track HTTP/1.1\r\nx: ')
    else socket.write(request({ framing: 'content-length: 30000\r\n', body: '' }))
  }
  const drip = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('x')
  }, 1_000)
  t.teardown(() => clearInterval(drip))
  await until(() => lasted.length === SLOW, { what: 'all slow clients to be disconnected', timeoutMs: ENDED_WITHIN_MS })
  const { requests, failures, p50, p99 } = await lap()
  const longest = Math.max(...lasted)
  t.comment(
    `${SLOW} slow clients: the last was disconnected after ${(longest / 1000).toFixed(1)} s; p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`
  )
  t.same(failures, [])
  t.ok(requests > 100, `${requests} honest requests were sent`)
  t.ok(
    p99 < Math.max(MAX_P99_MS, usual * 3),
    `the p99 is ${p99.toFixed(1)} ms, and ${usual.toFixed(1)} ms without slow clients`
  )
  t.same(statuses, { 408: SLOW }, 'each slow client got a 408')
})
