/** How long a connection may be idle between two requests, and which time the server announces. */
import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startApp } from '../../support/app.ts'
import { connectRaw } from '../../support/http.ts'

const ASK = 'GET /livez HTTP/1.1\r\nhost: test\r\n\r\n'
/** How long the server waits altogether: Node adds the second value to the first. */
const waits = ({ keepAliveTimeout, keepAliveTimeoutBuffer }: Server): number =>
  keepAliveTimeout + keepAliveTimeoutBuffer

t.test('both listeners keep an idle connection for 125 s, and announce five seconds less', async t => {
  const { app, url, adminUrl } = await startApp(t)
  for (const [listener, address] of [
    [app.tracking, url],
    [app.admin, adminUrl]
  ] as const) {
    t.equal(waits(listener.server), 125_000)
    const { write, answer } = await connectRaw(t, address)
    await write(ASK)
    t.equal((await answer()).headers['keep-alive'], 'timeout=120')
  }
})

t.test(
  'KEEP_ALIVE_TIMEOUT sets this time: a connection is reused after the hint, and closed after the time-out',
  async t => {
    const { url, adminUrl } = await startApp(t, { env: { KEEP_ALIVE_TIMEOUT: '3s' } })
    for (const address of [url, adminUrl]) {
      const { write, answer, gone } = await connectRaw(t, address)
      await write(ASK)
      t.equal(
        (await answer()).headers['keep-alive'],
        'timeout=2',
        'the hint is a fifth below the time-out, in whole seconds'
      )
      await sleep(2_300)
      await write(ASK)
      const answered = performance.now()
      t.ok((await answer()).status < 500, 'a client that follows the hint gets an answer')
      t.equal(await gone, 'closed')
      const rested = performance.now() - answered
      t.ok(rested > 2_900 && rested < 8_000, `the connection was closed after ${Math.round(rested)} ms`)
    }
  }
)

t.test("from 4 s on, the announced time is long enough for Node's fetch, which subtracts two seconds", async t => {
  const connectionsOf = async (keepAlive: string): Promise<number> => {
    const { app, url } = await startApp(t, { env: { KEEP_ALIVE_TIMEOUT: keepAlive } })
    let opened = 0
    app.tracking.server.on('connection', () => opened++)
    for (let i = 0; i < 6; i++) await (await fetch(`${url}/livez`)).text()
    return opened
  }
  t.equal(await connectionsOf('3s'), 6, 'each request has its own connection')
  const opened = await connectionsOf('4s')
  t.ok(
    opened <= 2,
    `six requests used ${opened} connections; a second is possible if a request starts before the first connection is free`
  )
})
