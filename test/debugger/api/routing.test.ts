import t from 'tap'
import { post, startApp } from '../../support/app.ts'
import { changeConfig, NOISE, routingLines, RULES_CONFIG, traceOf, WITH_KAFKA } from '../../support/routing.ts'
import type { ShownRouting } from '../../support/routing.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }

t.test(
  'An event says for every configured destination whether it was sent there, or which rule kept it out',
  async t => {
    const server = await startApp(t, { clock, config: RULES_CONFIG, env: WITH_KAFKA })
    await post(`${server.url}/v1/track`, NOISE)
    const [event] = (await traceOf(server, 'noise-1')).events
    t.match(event?.routing, {
      by: 'then',
      changed: false,
      says: /in force when the event came, and still are \(since 20/
    })
    t.strictSame(routingLines(event?.routing as ShownRouting), [
      'Open: sent, open',
      'Off: disabled, the destination is disabled (enabled: false)',
      'Phones: source, it takes only events of the sources ios, and this is one of web',
      'Pages: type, it takes only calls of the types page, screen, and this is a track call',
      'Allowed: events, the event name "Noise" is not in its events.allow',
      'Denied: events, the event name "Noise" is in its events.deny',
      "Sampled: sample, the user is not in its sample: the user's place is 0.467034, and the sample has those below 0.1",
      'Consent: consent, the user has not consented to C0003 (context.consent.categoryPreferences)',
      'Named: integrations, the event\'s integrations have "Named": false',
      'Twin: type, it takes only calls of the types page, and this is a track call; its topic gets the event all the same, because something else that the event goes to has the same topic'
    ])
    t.strictSame(server.sink.records[0]?.topics, ['tributary.events', 'open'], 'as it was published')
    const detail = (await (await fetch(`${server.adminUrl}/api/events/${event?.seq}`)).json()) as {
      routing: ShownRouting
    }
    t.strictSame(detail.routing, event?.routing, 'also where the event is opened')
  }
)

t.test("A batch's integrations and All: false keep an event out, and the row says so", async t => {
  const server = await startApp(t, { clock, config: RULES_CONFIG, env: WITH_KAFKA })
  const batch = [{ type: 'page', userId: 'user-1', messageId: 'page-1' }]
  await post(`${server.url}/v1/batch`, { batch, integrations: { All: false, Pages: true } })
  const [event] = (await traceOf(server, 'page-1')).events
  const lines = routingLines(event?.routing as ShownRouting)
  t.equal(lines[0], 'Open: integrations, the event\'s integrations have "All": false, and do not switch "Open" on')
  t.equal(lines[3], 'Pages: sent, pages.page')
})

t.test(
  'After an edit, an event is told by the destinations that routed it, and the rows say what is different now',
  async t => {
    const config = 'sources: [{ id: web, writeKeys: [wk_test] }]\ndestinations:\n'
    const before =
      '  - { name: A, topic: a }\n  - { name: B, topic: b, enabled: false }\n  - { name: Gone, topic: gone }\n'
    const after =
      '  - { name: A, topic: a, enabled: false }\n  - { name: B, topic: b }\n  - { name: New, topic: new }\n'
    const server = await startApp(t, { clock, config: config + before, env: WITH_KAFKA })
    await post(`${server.url}/v1/track`, { userId: 'u', event: 'E', messageId: 'e-1' })
    await changeConfig(server, config + after, 'e-1')
    const routing = (await traceOf(server, 'e-1')).events[0]?.routing as ShownRouting
    t.match(routing, {
      by: 'then',
      changed: true,
      says: /when the event came \(20.*Z to 20.*Z\); they have changed since$/
    })
    t.strictSame(routingLines(routing), [
      'A: sent, a; such an event would not go there now: the destination is disabled (enabled: false)',
      'B: disabled, the destination is disabled (enabled: false); such an event would go to b now',
      'Gone: sent, gone; the configuration has no destination of this name any more',
      'New: not_configured, the configuration had no destination of this name when the event came; it was added since'
    ])
    await post(`${server.url}/v1/track`, { userId: 'u', event: 'E', messageId: 'e-2' })
    const later = (await traceOf(server, 'e-2')).events[0]?.routing as ShownRouting
    t.match(later, { by: 'then', changed: false })
    t.strictSame(routingLines(later), [
      'A: disabled, the destination is disabled (enabled: false)',
      'B: sent, b',
      'New: sent, new'
    ])
  }
)

t.test('An event of which nothing was published has a row for every destination that says so', async t => {
  const server = await startApp(t, { clock, config: RULES_CONFIG, env: WITH_KAFKA })
  await post(`${server.url}/v1/track`, { event: 'Nobody', messageId: 'bad-1' })
  await post(`${server.url}/v1/track`, NOISE)
  await post(`${server.url}/v1/track`, NOISE)
  const [bad] = (await traceOf(server, 'bad-1')).events
  t.equal(bad?.routing.destinations.length, 10)
  t.match(bad?.routing.destinations[0], {
    sent: false,
    topic: null,
    rule: 'not_published',
    says: /the event was rejected/
  })
  const [again] = (await traceOf(server, 'noise-1')).events
  t.match(again?.routing.destinations[0], {
    sent: false,
    rule: 'not_published',
    says: /this copy .* was durable already/
  })
  server.sink.failure = Object.assign(new Error('gone'), { code: 'SINK_UNAVAILABLE', retryAfterSeconds: 1 })
  await post(`${server.url}/v1/track`, { ...NOISE, messageId: 'noise-2' })
  const [failed] = (await traceOf(server, 'noise-2')).events
  t.match(failed?.routing.destinations[0], { sent: false, rule: 'not_published', says: /could not be made durable/ })
})

t.test(
  'A stored event that memory has lost has the same rows, and says whether they are of then or of now',
  async t => {
    const server = await startApp(t, { clock, config: RULES_CONFIG, sink: 'configured' })
    await post(`${server.url}/v1/track`, NOISE)
    await post(`${server.url}/v1/track`, { event: 'Nobody', messageId: 'bad-1' })
    await fetch(`${server.adminUrl}/api/events`, { method: 'DELETE' })
    const [record] = (await traceOf(server, 'noise-1')).records
    t.match(record?.routing, { by: 'then', changed: false })
    const lines = routingLines(record?.routing as ShownRouting)
    t.equal(
      lines[0],
      'Open: no_kafka, destinations have no effect without Kafka (KAFKA_BROKERS): the event is only in the log on disk'
    )
    t.equal(lines[1], 'Off: disabled, the destination is disabled (enabled: false)')
    const [refused] = (await traceOf(server, 'bad-1')).records
    t.ok(refused)
    t.notOk(Object.hasOwn(refused ?? {}, 'routing'), 'a rejected record goes to no destination')
  }
)

t.test('An event from before the start is told by the destinations of now, in words', async t => {
  let now = Date.parse('2026-11-23T12:00:00.000Z')
  const server = await startApp(t, { clock: { ...clock, now: () => now }, config: RULES_CONFIG, sink: 'configured' })
  now -= 60_000
  await post(`${server.url}/v1/track`, NOISE)
  const routing = (await traceOf(server, 'noise-1')).events[0]?.routing
  t.match(routing, {
    by: 'now',
    changed: null,
    says: /in force now \(since 2026-11-23T12:00:00.*are not known any more/
  })
})

t.test('A write key that a client has put into the name of an event is masked in the rows', async t => {
  const config = RULES_CONFIG.replace('[wk_test]', '[wk_test, wk_0123456789abcdefABCDEF]')
  const server = await startApp(t, { clock, config, env: WITH_KAFKA })
  await post(`${server.url}/v1/track`, { ...NOISE, event: 'wk_0123456789abcdefABCDEF' })
  const text = await (await fetch(`${server.adminUrl}/api/trace/noise-1`)).text()
  t.notMatch(text, 'wk_0123456789abcdefABCDEF')
  t.match(text, 'the event name \\"[write key]\\" is not in its events.allow')
})
