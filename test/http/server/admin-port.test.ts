/** The paths for operators are on their own port, and only there. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createMemorySink } from '../../support/memory-sink.ts'
import { basic, startApp } from '../../support/app.ts'
import { ask } from '../../support/http.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import { until } from '../../support/until.ts'

const BODY = '{"userId":"u","event":"e"}'

t.test('/livez, /readyz and /metrics are open on the admin port', async t => {
  const { adminUrl } = await startApp(t)
  const live = await fetch(`${adminUrl}/livez`)
  t.equal(live.status, 200)
  t.same(await live.json(), { status: 'ok' })
  const ready = await fetch(`${adminUrl}/readyz`)
  t.equal(ready.status, 200)
  t.match(await ready.json(), { status: 'ok', problems: [] })
  const metrics = await fetch(`${adminUrl}/metrics`)
  t.equal(metrics.status, 200)
  t.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  t.equal((await fetch(`${adminUrl}/v1/track`, { method: 'POST' })).status, 404, 'the admin listener accepts no events')
})

t.test('the tracking port has none of these paths', async t => {
  const { url } = await startApp(t)
  for (const path of ['/livez', '/readyz', '/metrics', '/api', '/']) {
    t.equal((await ask(t, url + path, { method: 'GET', authorization: null })).status, 404, path)
  }
})

t.test('readiness shows the state of the sink, and that the server is draining', async t => {
  let health = { ready: true, problems: [] as string[] }
  const memory = createMemorySink()
  const sink = { ...memory, publish: memory.publish.bind(memory), health: () => health }
  const { url, adminUrl, app } = await startApp(t, { sink })
  const ready = async (): Promise<[number, unknown]> => {
    const response = await fetch(`${adminUrl}/readyz`)
    return [response.status, await response.json()]
  }
  const isReady = async (): Promise<number> => sumOf(await readMetrics(adminUrl), 'tributary_ready')
  health = { ready: true, problems: ['Kafka is away; events go to the spool'] }
  t.match(await ready(), [200, { status: 'degraded', problems: health.problems }])
  t.equal(await isReady(), 1)
  health = { ready: false, problems: ['the disk is full'] }
  t.match(await ready(), [503, { status: 'unavailable', problems: health.problems }])
  t.equal(await isReady(), 0)

  health = { ready: true, problems: [] }
  let open = (): void => undefined
  memory.gate = new Promise(resolve => (open = resolve))
  const sent = ask(t, `${url}/v1/track`, { body: BODY })
  await until(async () => sumOf(await readMetrics(adminUrl), 'tributary_events_received_total') === 1, {
    what: 'the event to be received'
  })
  const closing = app.close()
  t.match(await ready(), [503, { status: 'draining' }])
  t.equal(await isReady(), 0)
  open()
  t.equal((await sent).status, 200, 'an accepted request is completed')
  await closing
})

t.test('requests are counted by route and status, whatever their path was', async t => {
  const { url, adminUrl } = await startApp(t)
  const good = { authorization: basic(), body: BODY }
  await ask(t, `${url}/v1/track`, good)
  await ask(t, `${url}/v1/track?writeKey=wk_test`, { ...good, authorization: null })
  for (let i = 0; i < 20; i++) await ask(t, `${url}/nope/${i}`, good)
  const samples = await readMetrics(adminUrl)
  const count = 'tributary_http_request_duration_seconds_count'
  t.equal(sumOf(samples, count, { route: '/v1/track', status: '200' }), 2)
  t.equal(sumOf(samples, count, { status: '404' }), 20)
  t.equal(
    samples.filter(({ name, labels }) => name === count && labels['status'] === '404').length,
    1,
    'unknown paths are one time series'
  )
  for (const key of ['one', 'two']) await ask(t, `${url}/v1/projects/${key}/settings/?x`, { method: 'PUT', body: BODY })
  const refused = { route: '/v1/projects/:writeKey/settings', status: '405' }
  t.equal(sumOf(await readMetrics(adminUrl), count, refused), 2, 'a known path with a wrong method keeps its route')
})

t.test('a connection without a request does not delay a stop', async t => {
  const { app, url, adminUrl } = await startApp(t)
  // As browsers open them in advance.
  const sockets = [url, adminUrl].map(address => connect(Number(new URL(address).port), '127.0.0.1'))
  for (const socket of sockets) t.teardown(() => socket.destroy())
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  t.equal((await fetch(`${adminUrl}/livez`)).status, 200)
  const closed = app.close().then(() => 'closed')
  t.equal(await Promise.race([closed, sleep(60_000, 'still open', { ref: false })]), 'closed')
})
