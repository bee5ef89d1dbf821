/** What a collector gets of a request. */
import t from 'tap'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { basic, CONFIG, KEY, post, startApp } from '../../support/app.ts'
import { startCollector, type ReadSpan } from '../../support/collector.ts'

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT_ID = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`

const collector = await startCollector(t)
const env = {
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=shop%20one',
  OTEL_BSP_SCHEDULE_DELAY: '20',
  OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=overridden',
  OTEL_SERVICE_NAME: 'ingest'
}
const { url, sink } = await startApp(t, { env, config: `${CONFIG}\nsuppress: { users: [gone] }\n` })

interface Trace {
  readonly root: ReadSpan
  readonly steps: readonly ReadSpan[]
  readonly events: readonly ReadSpan[]
}

/** The spans of the one request with this trace id, whose server span comes last. */
async function traceOf(traceId: string, status = 200): Promise<Trace> {
  // A busy machine's 503 has a server span too, and the request is sent again.
  const isRoot = (span: ReadSpan): boolean =>
    span.traceId === traceId && span.kind === 'server' && span.attributes['http.response.status_code'] === status
  const [root] = await collector.until(1, isRoot)
  const others = collector.spans.filter(span => span.traceId === traceId && span.kind !== 'server')
  if (root === undefined) throw new Error('no server span')
  return {
    root,
    steps: others.filter(({ name }) => name !== 'event'),
    events: others.filter(({ name }) => name === 'event')
  }
}

let requests = 0
/** Posts with a `traceparent` of its own, and reads the trace. */
async function traced(
  path: string,
  body: unknown,
  headers: Record<string, string> = { authorization: basic() }
): Promise<Trace & { readonly status: number }> {
  const traceId = (++requests).toString(16).padStart(32, 'a')
  const traceparent = `00-${traceId}-${PARENT_ID}-01`
  const { status } = await post(`${url}${path}`, body, { ...headers, traceparent })
  return { status, ...(await traceOf(traceId, status)) }
}

const SECRETS = {
  userId: 'ann-user-id',
  traits: { email: 'ann@example.com' },
  context: { ip: '203.0.113.9', page: { url: 'https://shop.example/secret-page' } },
  properties: { card: 'card-number' }
}

t.test("a request is a server span below the sender's span, with its steps and its events below it", async t => {
  const batch = [
    { type: 'track', event: 'Secret Name', messageId: 'good', ...SECRETS },
    { type: 'track', event: 'Secret Name', messageId: 'bad' }
  ]
  const headers = { authorization: basic(), traceparent: TRACEPARENT, 'user-agent': 'secret-agent/1' }
  t.equal((await post(`${url}/v1/batch`, { batch }, headers)).status, 200)
  const { root, steps, events } = await traceOf(TRACE_ID)

  t.equal(root.name, 'POST /v1/batch')
  t.equal(root.parentId, PARENT_ID)
  t.strictSame(root.attributes, {
    'http.request.method': 'POST',
    'url.scheme': 'http',
    'tributary.source': 'web',
    'tributary.events.received': 2,
    'tributary.events.accepted': 1,
    'tributary.events.rejected': 1,
    'http.response.status_code': 200,
    'http.route': '/v1/batch',
    'url.path': '/v1/batch'
  })
  t.strictSame(
    steps.map(({ name }) => name),
    ['judge', 'enrich and route', 'append memory']
  )
  t.strictSame(
    events.map(({ attributes }) => attributes),
    [
      {
        'tributary.event.type': 'track',
        'tributary.outcome': 'accepted',
        'messaging.message.id': 'good',
        'tributary.store': 'memory'
      },
      {
        'tributary.event.type': 'track',
        'tributary.outcome': 'rejected',
        'messaging.message.id': 'bad',
        'tributary.code': 'no_user_anon_id',
        'tributary.store': 'memory'
      }
    ]
  )
  const inner = [...steps, ...events]
  t.ok(inner.every(({ parentId }) => parentId === root.spanId))
  t.notOk([root, ...inner].some(({ isError }) => isError))
})

t.test('the times are those of the server, and each span is within the request', async t => {
  const { root, steps, events } = await traced('/v1/track', { event: 'E', userId: 'u' })
  // The clock of this app stands still before the start of the process.
  t.equal(root.start, Date.parse('2026-11-23T12:00:00.000Z'))
  const [judge, route, append] = steps
  // The ends of spans are counted in nanoseconds, and read here as floating-point milliseconds.
  const isBefore = (a: number | undefined, b: number | undefined): boolean => Number(a) <= Number(b) + 0.001
  t.ok(isBefore(root.start, judge?.start), 'the span of the body starts first')
  t.ok(isBefore(judge?.end, route?.start))
  t.ok(isBefore(route?.end, append?.start))
  t.ok(isBefore(append?.end, root.end))
  t.equal(events[0]?.start, judge?.start)
  t.equal(events[0]?.end, append?.end)
})

t.test('no span holds a key, and of what the sender wrote only the messageId', async t => {
  await fetch(`${url}/v1/projects/${KEY}/settings`)
  await collector.until(1, ({ name }) => name.includes('settings'))
  await traced('/v1/identify', { ...SECRETS, messageId: 'kept', writeKey: KEY }, {})
  await traced('/v1/track', { ...SECRETS, userId: 'gone', event: 'E', messageId: 'suppressed-id' })
  const bytes = Buffer.concat(collector.requests.map(({ body }) => body)).toString('latin1')
  t.ok(bytes.includes('kept'))
  t.ok(bytes.includes('suppressed'), 'the spans contain the outcome')
  for (const secret of [
    KEY,
    basic().slice(6),
    'ann-user-id',
    'ann@',
    '203.0.113',
    '127.0.0.1',
    'secret',
    'Secret',
    'card-number'
  ]) {
    t.notOk(bytes.includes(secret), secret)
  }
  t.notOk(bytes.includes('suppressed-id'), 'the spans do not contain the messageId of a suppressed event')
})

t.test('a request that is refused is a server span alone, with its status', async t => {
  const unknown = await traced('/v1/track', { event: 'E', userId: 'u' }, { authorization: basic('wk_unknown') })
  t.equal(unknown.status, 401)
  t.equal(unknown.root.attributes['http.response.status_code'], 401)
  t.notOk(unknown.root.isError, 'an error of the client is not an error of the server')
  t.strictSame([unknown.steps, unknown.events], [[], []])
  const broken = await traced('/v1/batch', '{"batch":[nothing]}')
  t.equal(broken.root.attributes['http.response.status_code'], 400)
  const nowhere = await traced('/secret-path/x', {})
  t.equal(nowhere.root.name, 'POST')
  t.equal(nowhere.root.attributes['http.response.status_code'], 404)
  t.notOk('http.route' in nowhere.root.attributes)
})

t.test('events that cannot be made durable are errors, from the event to the request', async t => {
  sink.failure = new SinkUnavailable('the sink is away')
  const { root, steps, events, status } = await traced('/v1/track', { event: 'E', userId: 'u' })
  sink.failure = undefined
  t.equal(status, 503)
  t.ok(root.isError)
  t.equal(root.attributes['error.type'], '503')
  const publish = steps.find(({ name }) => name === 'publish')
  t.ok(publish?.isError)
  t.ok(events[0]?.isError)
  t.equal(events[0]?.attributes['tributary.outcome'], 'failed')
})

t.test('a large batch has spans for 32 events, refused ones first, and counts all of them', async t => {
  const batch = Array.from({ length: 500 }, (_, at) => ({
    type: 'track',
    event: 'E',
    messageId: `m${at}`,
    ...(at >= 480 ? {} : { userId: 'u' })
  }))
  const { root, events } = await traced('/v1/batch', { batch })
  t.equal(events.length, 32)
  t.equal(events.filter(({ attributes }) => attributes['tributary.outcome'] === 'rejected').length, 20)
  t.equal(root.attributes['tributary.events.received'], 500)
  t.equal(root.attributes['tributary.events.accepted'], 480)
  t.equal(root.attributes['tributary.events.rejected'], 20)
})

t.test('a duplicate is an event without a place', async t => {
  const event = { event: 'E', userId: 'u', messageId: 'twice' }
  await traced('/v1/track', event)
  const { steps, events } = await traced('/v1/track', event)
  t.strictSame(events[0]?.attributes, {
    'tributary.event.type': 'track',
    'tributary.outcome': 'duplicate',
    'messaging.message.id': 'twice'
  })
  t.notOk(steps.some(({ name }) => name.startsWith('append')))
})

t.test(
  'a request without a valid traceparent begins a trace, and one that its sender does not record is not recorded',
  async t => {
    const before = collector.spans.length
    const event = (messageId: string): object => ({ event: 'E', userId: 'u', messageId })
    const headers = { authorization: basic() }
    const notRecorded = `00-${'b'.repeat(32)}-${PARENT_ID}-00`
    await post(`${url}/v1/track`, event('not-recorded'), { ...headers, traceparent: notRecorded })
    for (const traceparent of ['', `00-${'0'.repeat(32)}-${PARENT_ID}-01`, 'nonsense', TRACEPARENT.toUpperCase()]) {
      await post(`${url}/v1/track`, event(`with ${traceparent}`), { ...headers, traceparent })
    }
    await post(`${url}/v1/track`, event('without'), headers)
    const isRoot = ({ kind }: ReadSpan): boolean => kind === 'server'
    const already = collector.spans.slice(0, before).filter(isRoot).length
    const roots = (await collector.until(already + 5, isRoot)).slice(already)
    t.ok(roots.every(({ parentId, traceId }) => parentId === '' && traceId !== TRACE_ID && !/^0*$/.test(traceId)))
    t.equal(new Set(roots.map(({ traceId }) => traceId)).size, 5)
    t.notOk(collector.spans.some(({ traceId }) => traceId === 'b'.repeat(32)))
  }
)

t.test('the collector gets the headers and the names of the OTEL variables', async t => {
  const [first] = collector.requests
  t.equal(first?.url, '/v1/traces')
  t.equal(first?.headers['content-type'], 'application/x-protobuf')
  t.equal(first?.headers['x-tenant'], 'shop one')
  const resource = collector.spans[0]?.resource ?? {}
  t.equal(resource['service.name'], 'ingest')
  t.equal(resource['deployment.environment.name'], 'test')
  t.match(resource['service.version'], /^\d+\.\d+\.\d+/)
  t.match(resource['service.instance.id'], /^[\da-f-]{36}$/)
})

t.test('a ratio decides by the trace id, whatever the sender says', async t => {
  const none = await startApp(t, { env: { ...env, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' } })
  const all = await startApp(t, { env: { ...env, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' } })
  const [sampled, not] = [`00-${'c'.repeat(32)}-${PARENT_ID}-01`, `00-${'d'.repeat(32)}-${PARENT_ID}-00`]
  const send = (to: string, traceparent: string) =>
    post(`${to}/v1/track`, { event: 'E', userId: 'u' }, { authorization: basic(), traceparent })
  await send(none.url, sampled)
  await send(all.url, not)
  await traceOf('d'.repeat(32))
  await none.app.close()
  t.notOk(collector.spans.some(({ traceId }) => traceId === 'c'.repeat(32)))
})
