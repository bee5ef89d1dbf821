/** Every received event has exactly one outcome, whatever the event is and whatever happens to it. */
import fc from 'fast-check'
import t from 'tap'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import type { TestApp } from '../../support/app.ts'
import { basic, startApp } from '../../support/app.ts'
import { ask } from '../../support/http.ts'
import type { Sample } from '../../support/metrics.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import { until } from '../../support/until.ts'

const RECEIVED = 'tributary_events_received_total'
const EVENTS = 'tributary_events_total'

/** For each source and type: the received events minus their outcomes. Each must be zero. */
function imbalances(samples: readonly Sample[]): Record<string, number> {
  const series = samples.filter(({ name }) => name === RECEIVED || name === EVENTS)
  const pairs = new Map(series.map(({ labels: { source = '', type = '' } }) => [`${source}/${type}`, { source, type }]))
  const open = [...pairs].map(([name, labels]) => [
    name,
    sumOf(samples, RECEIVED, labels) - sumOf(samples, EVENTS, labels)
  ])
  return Object.fromEntries(open.filter(([, difference]) => difference !== 0))
}

const messageId = fc.option(
  fc.integer({ min: 0, max: 40 }).map(n => `m${n}`),
  { nil: undefined }
)
const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('track', 'page', 'identify'),
      userId: fc.constant('u'),
      event: fc.constant('e'),
      messageId
    })
  },
  fc.record({
    type: fc.constantFrom('track', 'group', 'alias', 'nope', 5),
    userId: fc.constantFrom('u', 7, '', null),
    messageId
  }),
  fc.record({
    type: fc.constant('screen'),
    userId: fc.constant('u'),
    properties: fc.constantFrom([], {}, 'text', 5),
    messageId
  }),
  fc.jsonValue()
)
const request = fc.record({
  path: fc.constantFrom('/v1/batch', '/v1/batch', '/v1/import', '/v1/track', '/v1/page', '/v1/alias'),
  events: fc.array(event, { minLength: 0, maxLength: 12 }),
  shared: fc.constantFrom<object[]>({}, { context: { ip: '1.1.1.1' } }, { context: 'broken' }, { integrations: [] }),
  key: fc.constantFrom('wk_test', 'wk_test', 'wk_second', 'wk_shop', 'wk_slow', 'wk_off', 'wk_nobody'),
  failure: fc.constantFrom(undefined, undefined, undefined, new SinkUnavailable('full'), new Error('a bug'))
})

function payloadOf({ path, events, shared }: { path: string; events: readonly unknown[]; shared: object }): string {
  return JSON.stringify(
    path === '/v1/batch' || path === '/v1/import' ? { ...shared, batch: events } : (events[0] ?? null)
  )
}

t.test('received is the sum of the outcomes, by source and type, over any mix of requests', async t => {
  const { app, sink, adminUrl } = await startApp(t, { env: { MAX_BATCH_EVENTS: '20' } })
  const answered = new Map<number, number>()
  const send = async (sent: typeof request extends fc.Arbitrary<infer T> ? T : never): Promise<void> => {
    const headers = { authorization: basic(sent.key) }
    const answer = await app.tracking.inject({ method: 'POST', url: sent.path, headers, payload: payloadOf(sent) })
    answered.set(answer.statusCode, (answered.get(answer.statusCode) ?? 0) + 1)
    JSON.parse(answer.body)
  }
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), async requests => {
      // Concurrent requests, so that the same ids are in flight at once. One failure applies to all of them.
      sink.failure = requests[0]?.failure
      await Promise.all(requests.map(send))
      t.same(imbalances(await readMetrics(adminUrl)), {})
    }),
    { numRuns: 150 }
  )
  const samples = await readMetrics(adminUrl)
  t.equal(sumOf(samples, EVENTS, { outcome: 'accepted' }), sink.records.filter(({ kind }) => kind === 'event').length)
  for (const outcome of ['accepted', 'duplicate', 'rejected', 'rate_limited', 'failed']) {
    t.ok(sumOf(samples, EVENTS, { outcome }) > 0, `some events were ${outcome}`)
  }
  for (const status of [200, 400, 401, 429, 503]) t.ok(answered.has(status), `some requests were answered ${status}`)
})

const track = (messageId: string): object => ({ type: 'track', userId: 'u', event: 'e', messageId })
const batch = (...ids: readonly string[]): string => JSON.stringify({ batch: ids.map(track) })

async function outcomes({ adminUrl }: TestApp): Promise<Record<string, number>> {
  const samples = await readMetrics(adminUrl)
  return Object.fromEntries(
    ['accepted', 'duplicate', 'failed', 'rejected'].map(outcome => [outcome, sumOf(samples, EVENTS, { outcome })])
  )
}

t.test('a messageId counts once: in a batch, in another request, and on another path', async t => {
  const server = await startApp(t)
  const { url, sink } = server
  t.same((await ask(t, `${url}/v1/batch`, { body: batch('a', 'b', 'a', 'a') })).body, { success: true })
  t.same((await ask(t, `${url}/v1/batch`, { body: batch('b', 'c') })).body, { success: true })
  t.same((await ask(t, `${url}/v1/track`, { body: JSON.stringify(track('c')) })).body, { success: true })
  t.same(
    sink.records.map(({ messageId }) => messageId),
    ['a', 'b', 'c']
  )
  t.same(await outcomes(server), { accepted: 3, duplicate: 4, failed: 0, rejected: 0 })
  await ask(t, `${url}/v1/batch`, { body: batch('a'), authorization: basic('wk_shop') })
  t.equal(sink.records.length, 4, 'another source can use the same id')
})

t.test('of two requests in flight with the same messageId one publishes, and both wait for it', async t => {
  const server = await startApp(t)
  const { url, sink } = server
  let open = (): void => undefined
  sink.gate = new Promise(resolve => (open = resolve))
  let answered = 0
  const requests = Array.from({ length: 5 }, (_, i) =>
    ask(t, `${url}/v1/batch`, { body: batch('same', `own${i}`) }).finally(() => answered++)
  )
  await until(async () => (await outcomes(server))['accepted'] === 0 && (await received(server)) === 10, {
    what: 'all requests to be received'
  })
  t.equal(answered, 0, 'no request is answered before the event is durable')
  open()
  for (const { status } of await Promise.all(requests)) t.equal(status, 200)
  t.equal(sink.records.filter(({ messageId }) => messageId === 'same').length, 1)
  t.same(await outcomes(server), { accepted: 6, duplicate: 4, failed: 0, rejected: 0 })
})

t.test('if the publishing request fails, the waiting requests are told to try again, and then succeed', async t => {
  const server = await startApp(t)
  const { url, sink } = server
  let open = (): void => undefined
  sink.gate = new Promise(resolve => (open = resolve))
  const requests = Array.from({ length: 3 }, () => ask(t, `${url}/v1/batch`, { body: batch('same') }))
  await until(async () => (await received(server)) === 3, { what: 'all requests to be received' })
  sink.failure = new SinkUnavailable('full')
  open()
  t.same(
    (await Promise.all(requests)).map(({ status }) => status),
    [503, 503, 503]
  )
  t.same(await outcomes(server), { accepted: 0, duplicate: 0, failed: 3, rejected: 0 })
  sink.failure = undefined
  sink.gate = undefined
  t.equal((await ask(t, `${url}/v1/batch`, { body: batch('same') })).status, 200)
  t.same(await outcomes(server), { accepted: 1, duplicate: 0, failed: 3, rejected: 0 })
})

t.test('a client that disconnects does not change the outcome of its events', async t => {
  const server = await startApp(t)
  const { url, sink } = server
  let open = (): void => undefined
  sink.gate = new Promise(resolve => (open = resolve))
  const hangUp = new AbortController()
  const sent = fetch(`${url}/v1/batch`, {
    method: 'POST',
    body: batch('x'),
    headers: { authorization: basic() },
    signal: hangUp.signal
  })
  await until(async () => (await received(server)) === 1, { what: 'the request to be received' })
  hangUp.abort()
  await t.rejects(sent)
  open()
  await until(async () => (await outcomes(server))['accepted'] === 1, { what: 'the event to be durable' })
  t.same((await ask(t, `${url}/v1/batch`, { body: batch('x') })).body, { success: true })
  t.same(await outcomes(server), { accepted: 1, duplicate: 1, failed: 0, rejected: 0 })
})

t.test('a body that cannot be split into events is counted as a request, by its code', async t => {
  const { url, adminUrl } = await startApp(t)
  const refusals: readonly (readonly [code: string, body: string, authorization?: string | null])[] = [
    ['invalid_json', '{'],
    ['payload_too_large', ' '.repeat(600_000)],
    ['write_key_missing', batch('a'), null],
    ['write_key_unknown', batch('a'), basic('wk_nobody')],
    ['empty_batch', '{"batch":[]}'],
    ['batch_required', '{}'],
    ['batch_not_array', '{"batch":{}}'],
    ['duplicate_key', '{"batch":[],"batch":[]}']
  ]
  for (const [code, body, authorization = basic()] of refusals) {
    t.equal((await ask(t, `${url}/v1/batch`, { body, authorization })).body['code'], code)
    t.equal(sumOf(await readMetrics(adminUrl), 'tributary_requests_refused_total', { code }), 1, code)
  }
  t.equal(sumOf(await readMetrics(adminUrl), RECEIVED), 0)
})

async function received({ adminUrl }: TestApp): Promise<number> {
  return sumOf(await readMetrics(adminUrl), RECEIVED)
}
