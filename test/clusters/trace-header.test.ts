/** The sender's `traceparent` in Kafka's records, which Kafka's own Java client reads. */
import t from 'tap'
import { startKafkaTool, type JavaRecord } from '../support/clusters/kafka-tool.ts'
import { startCollector } from '../support/collector.ts'
import { startKafka } from '../support/kafka.ts'
import { AUTHORIZATION, startServer, type ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const KEPT = { KAFKA_HEADERS: 'type,source,messageId,receivedAt,traceparent' }

const kafka = await startKafka({})
t.teardown(() => kafka.stop())
const tool = await startKafkaTool(t, kafka.brokers)

/** A server with its own topics. */
async function serverFor(
  name: string,
  env: Record<string, string>
): Promise<{ server: ServerProcess; topics: Topics }> {
  const topics = { events: `${name}.events`, rejected: `${name}.rejected` }
  const server = await startServer(t, {
    env: {
      KAFKA_BROKERS: kafka.brokers.join(','),
      EVENTS_TOPIC: topics.events,
      REJECTED_TOPIC: topics.rejected,
      ...env
    }
  })
  await server.ready(60_000)
  return { server, topics }
}

interface Topics {
  readonly events: string
  readonly rejected: string
}

async function send(server: ServerProcess, path: string, body: string, traceparent?: string): Promise<number> {
  const headers = { authorization: AUTHORIZATION, ...(traceparent === undefined ? {} : { traceparent }) }
  return (await fetch(`${server.url}${path}`, { method: 'POST', body, headers })).status
}

const event = (messageId: string, more: object = {}): object => ({ userId: 'u', event: 'E', messageId, ...more })
const member = ({ value }: JavaRecord): unknown => (JSON.parse(value) as Record<string, unknown>)['traceparent']
const byId = (records: readonly JavaRecord[]): Map<string | undefined, JavaRecord> =>
  new Map(records.map(record => [record.headers['messageId'], record]))

const { server, topics } = await serverFor('traced', KEPT)

t.test('the traceparent of a request becomes a header and the last member of each of its records', async t => {
  t.equal(await send(server, '/v1/track', JSON.stringify(event('single')), TRACE), 200)
  const batch = [
    { type: 'track', ...event('first') },
    { type: 'track', messageId: 'bad', event: 'E' },
    { type: 'track', ...event('second') }
  ]
  t.equal(await send(server, '/v1/batch', JSON.stringify({ batch }), TRACE), 200)
  t.equal(await send(server, '/v1/batch', '{"batch":[nothing]}', TRACE), 400)
  const pixel = Buffer.from(JSON.stringify({ writeKey: 'wk_test', ...event('pixel') })).toString('base64')
  await fetch(`${server.url}/v1/pixel/track?data=${encodeURIComponent(pixel)}`, { headers: { traceparent: TRACE } })

  const events = byId(await tool.read(topics.events))
  for (const id of ['single', 'first', 'second', 'pixel']) {
    const record = events.get(id)
    t.equal(record?.headers['traceparent'], TRACE, `${id} has the header`)
    t.ok(record?.value.endsWith(`,"traceparent":"${TRACE}"}`), `${id} has the member`)
    t.equal(Object.keys(record?.headers ?? {}).length, 5, `${id} keeps its other headers`)
  }
  const rejected = await tool.read(topics.rejected)
  t.strictSame(
    rejected.map(({ headers }) => headers['traceparent']),
    [TRACE, TRACE],
    'a rejected event and a rejected body have the header'
  )
  t.strictSame(rejected.map(member), [TRACE, TRACE])
})

t.test('an invalid traceparent is ignored, and of a later version the known part is kept', async t => {
  const cases: [string, string | undefined][] = [
    [TRACE.toUpperCase(), undefined],
    [TRACE.replace('00-', 'ff-'), undefined],
    [TRACE.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)), undefined],
    [TRACE.replace('00f067aa0ba902b7', '0'.repeat(16)), undefined],
    [`${TRACE}-more`, undefined],
    [TRACE.slice(0, -1), undefined],
    [`${TRACE}, ${TRACE}`, undefined],
    ['","x":"', undefined],
    [`${TRACE.replace('00-', '01-')}-more`, TRACE.replace('00-', '01-')],
    [`${TRACE.replace('00-', '01-')}more`, undefined]
  ]
  for (const [at, [traceparent]] of cases.entries()) {
    t.equal(await send(server, '/v1/track', JSON.stringify(event(`form-${at}`)), traceparent), 200)
  }
  const events = byId(await tool.read(topics.events))
  for (const [at, [traceparent, kept]] of cases.entries()) {
    const record = events.get(`form-${at}`)
    t.equal(record?.headers['traceparent'], kept, traceparent)
    t.equal(record && member(record), kept, traceparent)
  }
})

t.test(
  "the header of the request replaces a member of that name; without a header the client's member stays",
  async t => {
    const own = { traceparent: 'mine' }
    await send(server, '/v1/track', JSON.stringify(event('both', own)), TRACE)
    await send(server, '/v1/track', JSON.stringify(event('own', own)))
    await send(server, '/v1/track', JSON.stringify(event('looks-alike', { traceparent: TRACE })))
    const events = byId(await tool.read(topics.events))
    const seen = (id: string): unknown[] => {
      const record = events.get(id)
      return record === undefined
        ? []
        : [record.headers['traceparent'], member(record), record.value.split('"traceparent"').length]
    }
    t.strictSame(seen('both'), [TRACE, TRACE, 2], 'the record has the member once')
    t.strictSame(seen('own'), [undefined, 'mine', 2])
    t.strictSame(seen('looks-alike'), [undefined, TRACE, 2], 'a member of the client does not become a header')
  }
)

t.test('the header survives a wait on disk and a server that is killed', async t => {
  kafka.pause()
  const sent = Array.from({ length: 20 }, (_, at) => `waited-${at}`)
  for (const id of sent) t.equal(await send(server, '/v1/track', JSON.stringify(event(id)), TRACE), 200)
  await send(server, '/v1/track', JSON.stringify({ messageId: 'waited-bad', event: 'E' }), TRACE)
  await until(async () => (await server.backlogBytes()) > 0, { what: 'events in the spool', timeoutMs: 60_000 })
  await server.kill()
  kafka.resume()
  await server.start()
  await server.drained(120_000)
  const events = byId(await tool.read(topics.events))
  t.strictSame(
    sent.map(id => events.get(id)?.headers['traceparent']),
    sent.map(() => TRACE)
  )
  const bad = byId(await tool.read(topics.rejected)).get('waited-bad')
  t.equal(bad?.headers['traceparent'], TRACE)
})

t.test('without traceparent in KAFKA_HEADERS nothing is added and nothing is replaced', async t => {
  const { server, topics } = await serverFor('untraced', {})
  await send(server, '/v1/track', JSON.stringify(event('plain', { traceparent: 'mine' })), TRACE)
  const [record] = await tool.read(topics.events)
  t.strictSame(
    Object.keys(record?.headers ?? {}).toSorted((a, b) => a.localeCompare(b)),
    ['messageId', 'receivedAt', 'source', 'type']
  )
  t.equal(record && member(record), 'mine')
})

t.test('with traces for a collector, records are the same, and a span says where in Kafka a record is', async t => {
  const collector = await startCollector(t)
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20' }
  const { server, topics } = await serverFor('spans', { ...KEPT, ...traces })
  const sent = JSON.stringify(event('spanned'))
  t.equal(await send(server, '/v1/track', sent, TRACE), 200)
  const [publish] = await collector.until(1, ({ kind }) => kind === 'producer')
  const [record] = await tool.read(topics.events)
  t.equal(record?.headers['traceparent'], TRACE, 'the header is that of the sender, not that of a span of the server')
  t.ok(record?.value.endsWith(`,"traceparent":"${TRACE}"}`))
  t.equal(publish?.name, `send ${topics.events}`)
  t.match(publish?.attributes, {
    'messaging.system.name': 'kafka',
    'messaging.destination.name': topics.events,
    'messaging.destination.partition.id': String(record?.partition),
    'kafka.offset': record?.offset,
    'tributary.store': 'kafka'
  })
})
