/** A server that starts slowly on a busy machine is not overloaded. */
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { shedLoad } from '../../../src/http/server/pressure.ts'

/** Longer than a sample of the event loop's delay. */
const SLOW_START_MS = 700

function keepBusy(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

async function start(t: Test): Promise<{ app: FastifyInstance; shed: () => number }> {
  const app = Fastify()
  t.teardown(() => app.close())
  let count = 0
  await shedLoad(app, () => count++)
  app.get('/', async () => 'taken')
  await app.ready()
  return { app, shed: () => count }
}

t.test('the first requests after a start that blocked the event loop for long are accepted', async t => {
  const { app, shed } = await start(t)
  keepBusy(SLOW_START_MS)
  await sleep(1)
  const statuses: number[] = []
  for (let i = 0; i < 10; i++) statuses.push((await app.inject('/')).statusCode)
  t.same(
    statuses,
    statuses.map(() => 200)
  )
  t.equal(shed(), 0)
})

t.test('an event loop that is blocked later is overload, and answered 503', async t => {
  const { app, shed } = await start(t)
  await sleep(2 * SLOW_START_MS)
  for (let i = 0; i < 3; i++) {
    keepBusy(2 * SLOW_START_MS)
    await sleep(1)
  }
  t.equal((await app.inject('/')).statusCode, 503)
  t.equal(shed(), 1)
})
