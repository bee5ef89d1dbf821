/**
 * A server that stops answers requests that clients have already sent, even if its event loop was too busy to read
 * them: the kernel has the bytes, and would reset the connection. The tests block the event loop of both sides, so that
 * the order is certain.
 */
import { connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import { startApp } from '../../support/app.ts'
import { connectRaw, head } from '../../support/http.ts'

const BODY = '{"type":"track","userId":"u","event":"Sent"}'
const REQUEST = head('/v1/track', { 'content-length': BODY.length }) + BODY
/** For longer than an idle connection stays open during a stop. */
const BUSY_MS = 1_500
const BUSY_TURN_MS = 30

function keepBusy(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

const start = (t: Test) => startApp(t, { env: { SHUTDOWN_GRACE: '20s' } })

t.test('a request on an idle connection, sent while a stopping server was busy, is answered', async t => {
  const { app, url, sink } = await start(t)
  const connections = await Promise.all(Array.from({ length: 20 }, () => connectRaw(t, url)))
  for (const { write, answer } of connections) {
    await write(REQUEST)
    t.equal((await answer()).status, 200)
  }
  const last = await connectRaw(t, url)
  const closed = app.close()
  await last.write(REQUEST)
  await new Promise<void>(resolve => {
    // This turn of the event loop has read everything that it will read. The kernel takes these bytes at once; the
    // timers of the stop are due when this function ends.
    last.socket.once('data', () => {
      for (const { socket } of connections) socket.write(REQUEST)
      keepBusy(BUSY_MS)
      resolve()
    })
  })
  const answers = await Promise.all(connections.map(({ answer }) => answer()))
  t.same(new Set(answers.map(({ status }) => status)), new Set([200]))
  t.same(new Set(await Promise.all(connections.map(({ gone }) => gone))), new Set(['closed']))
  await closed
  t.equal(sink.records.length, 2 * connections.length + 1)
})

t.test('while a server stops, the answer to an accepted event says that its connection closes', async t => {
  const { app, url } = await start(t)
  const connection = await connectRaw(t, url)
  await connection.write(REQUEST)
  t.equal((await connection.answer()).headers['connection'], 'keep-alive')
  const closed = app.close()
  await connection.write(REQUEST)
  const { status, headers } = await connection.answer()
  t.equal(status, 200)
  t.equal(headers['connection'], 'close')
  await closed
})

t.test('a connection that the kernel accepted before the stop is accepted and answered', async t => {
  const { app, url, sink } = await start(t)
  const { hostname, port } = new URL(url)
  const sockets = Array.from({ length: 20 }, () => connect({ host: hostname, port: Number(port) }))
  const texts = sockets.map(async socket => {
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.write(REQUEST)
    await once(socket, 'close')
    return text.slice(0, 12)
  })
  // Node connects in the next tick. Until then the server's event loop does not run.
  await new Promise<void>(resolve => process.nextTick(resolve))
  const closed = app.close()
  t.same(new Set(await Promise.all(texts)), new Set(['HTTP/1.1 200']))
  await closed
  t.equal(sink.records.length, sockets.length)
})

t.test('a server that stays busy stops listening in time', async t => {
  const { app } = await startApp(t, { env: { SHUTDOWN_GRACE: '1s' } })
  let isBusy = true
  const turn = (): void => {
    keepBusy(BUSY_TURN_MS)
    if (isBusy) setImmediate(turn)
  }
  turn()
  const start = performance.now()
  const closed = app.close()
  while (app.tracking.server.listening && performance.now() - start < 10_000) await nextTurn()
  const milliseconds = performance.now() - start
  isBusy = false
  await closed
  t.ok(milliseconds < 2_000, `the server stopped listening after ${Math.round(milliseconds)} ms`)
})
