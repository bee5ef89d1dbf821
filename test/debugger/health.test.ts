import Fastify from 'fastify'
import t from 'tap'
import { registerHealth } from '../../src/debugger/health.ts'

t.test('/readyz/kafka is 200 only if Kafka is reachable and events can be made durable', async t => {
  const state = { ready: true, reached: true, draining: false }
  const app = Fastify()
  t.teardown(() => app.close())
  registerHealth(app, {
    health: () => ({ ready: state.ready, problems: [] }),
    draining: () => state.draining,
    kafka: () => ({ reached: state.reached, problem: state.reached ? null : 'Kafka hangs' }),
    metricsText: async () => '',
    metricsType: 'text/plain'
  })
  const ask = async (): Promise<[number, unknown]> => {
    const answer = await app.inject({ url: '/readyz/kafka' })
    return [answer.statusCode, answer.json()]
  }
  t.same(await ask(), [200, { status: 'ok', problems: [] }])
  state.reached = false
  t.same(await ask(), [503, { status: 'unavailable', problems: ['Kafka hangs'] }])
  t.equal((await app.inject({ url: '/readyz' })).statusCode, 200, '/readyz does not depend on Kafka')
  state.reached = true
  state.ready = false
  t.match(await ask(), [503, {}])
  state.ready = true
  state.draining = true
  t.match(await ask(), [503, { status: 'draining' }])
})
