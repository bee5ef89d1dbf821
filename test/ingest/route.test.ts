import t from 'tap'
import { createRouter } from '../../src/ingest/route.ts'
import type { Destination } from '../../src/model/destination.ts'

function destination(name: string, rest: Partial<Destination> = {}): Destination {
  return { name, topic: `to.${name}`, enabled: true, sources: undefined, types: undefined, ...rest }
}

const router = createRouter({
  eventsTopic: 'events',
  rejectedTopic: 'rejected.{source}',
  destinations: [
    destination('Amplitude'),
    destination('Mixpanel', { types: ['track'] }),
    destination('Shop only', { sources: ['shop'], topic: '{source}.{type}' }),
    destination('Off', { enabled: false })
  ]
})

t.test('an event goes to the events topic and to every destination that its integrations allow', async t => {
  const rows: [integrations: Record<string, unknown> | undefined, topics: string[]][] = [
    [undefined, ['events', 'to.Amplitude', 'to.Mixpanel']],
    [{}, ['events', 'to.Amplitude', 'to.Mixpanel']],
    [{ All: true }, ['events', 'to.Amplitude', 'to.Mixpanel']],
    [{ All: false }, ['events']],
    [{ All: false, Mixpanel: true }, ['events', 'to.Mixpanel']],
    [{ All: false, Mixpanel: { option: 1 } }, ['events', 'to.Mixpanel']],
    [{ Mixpanel: false }, ['events', 'to.Amplitude']],
    [{ mixpanel: false }, ['events', 'to.Amplitude', 'to.Mixpanel']],
    [{ all: false }, ['events', 'to.Amplitude', 'to.Mixpanel']],
    [{ Off: true, Unknown: true }, ['events', 'to.Amplitude', 'to.Mixpanel']]
  ]
  for (const [integrations, topics] of rows) {
    t.same(router.topics({ type: 'track', source: 'web', integrations }), topics, JSON.stringify(integrations))
  }
})

t.test('a destination gets only its sources and types, and templates are filled', async t => {
  t.same(router.topics({ type: 'page', source: 'shop', integrations: undefined }), [
    'events',
    'to.Amplitude',
    'shop.page'
  ])
  t.same(router.rejectedTopics('shop', 'unknown'), ['rejected.shop'])
})

t.test('two destinations of one topic cost one record', async t => {
  const shared = createRouter({
    eventsTopic: 'e',
    rejectedTopic: 'r',
    destinations: [destination('a', { topic: 'x' }), destination('b', { topic: 'x' }), destination('c', { topic: 'e' })]
  })
  t.same(shared.topics({ type: 'track', source: 's', integrations: undefined }), ['e', 'x'])
})
