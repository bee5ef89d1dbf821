/** Traces of whole servers: what a start loads, what a stop sends, and workers. */
import { join } from 'node:path'
import t from 'tap'
import { startCollector, type ReadSpan } from '../../support/collector.ts'
import { AUTHORIZATION, createServerProcess, startServer, type ServerProcess } from '../../support/server-process.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import { START_ARGS } from '../../support/start-args.ts'
import { until, untilCalm } from '../../support/until.ts'
import { allWorkersUp } from '../../support/workers.ts'

const WITHOUT_PACKAGES = [
  '--import',
  join(import.meta.dirname, '../../support/without-opentelemetry.mjs'),
  ...START_ARGS
]
/** Nothing is sent before the server stops. */
const ONLY_AT_THE_END = { OTEL_BSP_SCHEDULE_DELAY: '3600000' }

/** Sends one event, again while a busy machine overloads the server. Resolves with the status. */
async function send({ url }: ServerProcess, messageId: string): Promise<number> {
  const body = JSON.stringify({ event: 'E', userId: 'u', messageId })
  // A connection of its own, so that workers share the requests.
  const headers = { authorization: AUTHORIZATION, connection: 'close' }
  const post = async (): Promise<number> => (await fetch(`${url}/v1/track`, { method: 'POST', body, headers })).status
  return await untilCalm(post, status => status === 503)
}

const isAnswered = ({ attributes }: ReadSpan): boolean => attributes['http.response.status_code'] === 200

t.test('a server that is asked for no traces loads none of the packages, and does not need them', async t => {
  const server = await startServer(t, { startArgs: WITHOUT_PACKAGES })
  t.equal(await send(server, 'a'), 200)
  t.equal((await server.kill('SIGTERM')).code, 0)
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' }
  await server.start({ env: endpoint })
  t.equal(await send(server, 'b'), 200)
  const metrics = await readMetrics(server.adminUrl)
  t.notOk(
    metrics.some(({ name }) => name === 'tributary_trace_queue_spans'),
    'there is no metric of the queue'
  )
})

t.test('a server that is asked for traces and has no packages for them says so, and does not start', async t => {
  const env = { OTEL_TRACES_EXPORTER: 'otlp' }
  const server = await createServerProcess(t, { startArgs: WITHOUT_PACKAGES, env })
  await t.rejects(server.start(), {
    message: /OpenTelemetry's packages are not installed: install them with "npm ci"/
  })
})

t.test('a stop sends the spans that wait', async t => {
  const collector = await startCollector(t)
  const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/custom/path`, ...ONLY_AT_THE_END }
  const server = await startServer(t, { env })
  for (let at = 0; at < 5; at++) t.equal(await send(server, `m${at}`), 200)
  t.equal(collector.spans.length, 0)
  t.equal((await server.kill('SIGTERM')).code, 0)
  t.equal(collector.spans.filter(isAnswered).length, 5)
  t.equal(collector.requests[0]?.url, '/custom/path')
})

t.test('a collector that never answers does not keep a server from stopping in its grace', async t => {
  const collector = await startCollector(t)
  collector.behave(() => undefined)
  const server = await startServer(t, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...ONLY_AT_THE_END } })
  t.equal(await send(server, 'm'), 200)
  t.equal((await server.kill('SIGTERM')).code, 0, 'the stop ends within the grace period')
  t.ok(collector.requests.length > 0, 'the collector got a request')
})

t.test('each worker sends its spans under a name of its own, and the primary counts all', async t => {
  const collector = await startCollector(t)
  const env = {
    WORKERS: '2',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '50'
  }
  const server = await startServer(t, { env })
  await allWorkersUp(server, 2)
  const instances = (): Set<unknown> => new Set(collector.spans.map(({ resource }) => resource['service.instance.id']))
  let sent = 0
  const both = async (): Promise<boolean> => {
    t.equal(await send(server, `m${sent++}`), 200)
    return instances().size === 2
  }
  await until(both, { what: 'spans of two workers', timeoutMs: 60_000 })
  await collector.until(sent, isAnswered)
  const exported = async (): Promise<number> =>
    sumOf(await readMetrics(server.adminUrl), 'tributary_trace_spans_total', { outcome: 'exported' })
  await until(async () => (await exported()) === collector.spans.length, {
    what: 'all spans to be counted',
    timeoutMs: 60_000
  })
  t.equal((await server.kill('SIGTERM')).code, 0)
  t.equal(instances().size, 2)
})
