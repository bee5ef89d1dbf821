import * as fc from 'fast-check'
import t from 'tap'
import { toRoutedEvent } from '../../../src/ingest/route/key-of.ts'
import type { RouteInput } from '../../../src/ingest/route/route.ts'
import { createRouter } from '../../../src/ingest/route/route.ts'
import { placeOfUser } from '../../../src/ingest/route/route-sample.ts'
import type { Destination } from '../../../src/model/destination.ts'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import { predictPlace, predictTopics } from '../../support/route-model.ts'

function destination(name: string, rest: Partial<Destination> = {}): Destination {
  return { name, topic: `to.${name}`, enabled: true, sources: undefined, types: undefined, ...rest }
}

function routerTo(...destinations: Destination[]) {
  return createRouter({ eventsTopic: 'events', rejectedTopic: 'rejected.{source}', destinations })
}

function track(rest: Record<string, unknown> = {}, integrations?: Record<string, unknown>): RouteInput {
  return {
    type: 'track',
    source: 'web',
    event: toRoutedEvent({ userId: 'u', event: 'Signed Up', ...rest }),
    integrations
  }
}

const router = routerTo(
  destination('Amplitude'),
  destination('Mixpanel'),
  destination('My Function (My Workspace)'),
  destination('Off', { enabled: false })
)
const [A, M, F] = ['to.Amplitude', 'to.Mixpanel', 'to.My Function (My Workspace)']

const INTEGRATIONS: [rule: string, integrations: Record<string, unknown> | undefined, destinations: string[]][] = [
  ['without integrations it goes everywhere', undefined, [A, M, F]],
  ['an empty object says nothing', {}, [A, M, F]],
  ['All is true by default', { Mixpanel: true }, [A, M, F]],
  ['All true goes everywhere', { All: true }, [A, M, F]],
  ['All false goes nowhere but to the topic of all events', { All: false }, []],
  ['a key of its own allows what All denies', { All: false, Mixpanel: true }, [M]],
  ['a key of its own denies what All allows', { All: true, Mixpanel: false }, [A, F]],
  ["Segment's own default: one off, the others on", { All: true, Salesforce: false, Amplitude: false }, [M, F]],
  ['an object of options counts as true', { All: false, Mixpanel: { id: 'x' } }, [M]],
  ['an empty object of options counts as true', { All: false, Mixpanel: {} }, [M]],
  ["PHP's empty object counts as true", { All: false, Mixpanel: [] }, [M]],
  ['options for All count as true', { All: {} }, [A, M, F]],
  ['null is absent, so All decides', { All: false, Mixpanel: null }, []],
  ['null for All is absent, so it is true', { All: null, Mixpanel: false }, [A, F]],
  ['names are case-sensitive', { mixpanel: false }, [A, M, F]],
  ['the name All is case-sensitive', { all: false }, [A, M, F]],
  ['a name is the whole name', { All: false, 'My Function (My Workspace)': true }, [F]],
  ['part of a name is another name', { 'My Function': false }, [A, M, F]],
  ['unknown names change nothing', { All: false, Unknown: true, Amplitude: true }, [A]],
  ["the browser SDK's own switch is no destination", { 'Segment.io': false }, [A, M, F]],
  ['a disabled destination cannot be asked for', { All: false, Off: true }, []],
  ['a replay names its one target', { All: false, Amplitude: true }, [A]],
  ['names of Object.prototype are ordinary names', { All: false, toString: true, hasOwnProperty: {} }, []]
]

t.test('integrations decide about the destinations; the topic of all events gets every event', async t => {
  for (const [rule, integrations, destinations] of INTEGRATIONS) {
    t.same(router.route(track({}, integrations)).topics, ['events', ...destinations], rule)
  }
})

t.test('an object of options allows nothing that the file denies', async t => {
  const denied = routerTo(destination('Amplitude', { events: { deny: ['Signed Up'] } }), destination('Mixpanel'))
  t.same(denied.route(track({}, { Amplitude: { session: 1 } })).topics, ['events', M])
})

t.test('names in integrations that are no destinations are counted, except those of disabled ones', async t => {
  t.equal(router.unknownNames({ All: true, Amplitude: false, Off: true, 'Segment.io': true }), 0)
  t.equal(router.unknownNames({ amplitude: false, Salesforce: true }), 2)
})

t.test('a destination gets only its sources and types, and templates are filled in', async t => {
  const narrow = routerTo(
    destination('Everything', { topic: '{source}.{type}.{type}' }),
    destination('Pages', { types: ['page', 'screen'] }),
    destination('Shop', { sources: ['shop'] })
  )
  const route = narrow.route({
    type: 'page',
    source: 'shop',
    event: toRoutedEvent({ userId: 'u' }),
    integrations: undefined
  })
  t.same(route.topics, ['events', 'shop.page.page', 'to.Pages', 'to.Shop'])
  t.same(narrow.route(track()).topics, ['events', 'web.track.track'])
  t.same(narrow.rejectedTopics('shop', 'unknown'), ['rejected.shop'])
})

t.test('two destinations with one topic cause one record', async t => {
  const shared = routerTo(
    destination('a', { topic: 'x' }),
    destination('b', { topic: 'x' }),
    destination('c', { topic: 'events' })
  )
  t.same(shared.route(track()).topics, ['events', 'x'])
  t.same(shared.route(track({}, { a: false })).topics, ['events', 'x'])
})

t.test('lists of names apply only to track calls; deny beats allow; names are exact', async t => {
  const lists = routerTo(
    destination('Allow', { events: { allow: ['Signed Up', 'Order Completed'] } }),
    destination('Deny', { events: { deny: ['Signed Up'] } }),
    destination('Both', { events: { allow: ['Signed Up', 'Order Completed'], deny: ['Signed Up'] } })
  )
  const rows: [event: string, destinations: string[]][] = [
    ['Signed Up', ['to.Allow']],
    ['Order Completed', ['to.Allow', 'to.Deny', 'to.Both']],
    ['signed up', ['to.Deny']],
    ['Signed Up ', ['to.Deny']],
    ['constructor', ['to.Deny']]
  ]
  for (const [event, destinations] of rows) {
    t.same(
      lists.route(track({ event })).topics,
      ['events', ...destinations],
      `the lists apply to the exact name '${event}'`
    )
  }
  const page = {
    type: 'page',
    source: 'web',
    event: toRoutedEvent({ userId: 'u', event: 'Signed Up' }),
    integrations: undefined
  } as const
  t.same(lists.route(page).topics, ['events', 'to.Allow', 'to.Deny', 'to.Both'])
})

t.test(
  'sampling is by user: permanent, the same everywhere, with more users at a higher rate, and in the share of the rate',
  async t => {
    const rates = [0, 0.1, 0.25, 0.5, 1]
    const sampled = routerTo(...rates.map(rate => destination(String(rate), { sample: { rate } })))
    const counts = new Map<string, number>()
    for (let user = 0; user < 10_000; user++) {
      const event = { userId: `user-${user}` }
      const { destinations } = sampled.route(track(event))
      const page = { type: 'page', source: 'shop', event: toRoutedEvent(event), integrations: {} } as const
      t.same(sampled.route(page).destinations, destinations)
      const names = rates.map(String)
      t.same(
        destinations,
        names.slice(names.indexOf(destinations[0] ?? '')),
        'a user who is included at a rate is included at each higher rate'
      )
      for (const name of destinations) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    for (const rate of rates) {
      const share = (counts.get(String(rate)) ?? 0) / 10_000
      t.ok(Math.abs(share - rate) < 0.02, `${share} of the users are included at a rate of ${rate}`)
    }
  }
)

t.test('a user is sampled by userId, else by anonymousId', async t => {
  const [below, above] = [0.467, 0.468].map(rate => routerTo(destination('x', { sample: { rate } })))
  const users = [
    { userId: 'user-1', anonymousId: 'other' },
    { userId: '', anonymousId: 'user-1' },
    { anonymousId: 'user-1' }
  ]
  for (const event of users) {
    const input = { type: 'page', source: 'web', event: toRoutedEvent(event), integrations: undefined } as const
    t.same(below?.route(input).destinations, [])
    t.same(above?.route(input).destinations, ['x'])
  }
})

t.test('the sampling position of a user equals the documented one', async t => {
  const rows: [key: string, place: number][] = [
    ['user-1', 0.4670340372249484],
    ['Zoë', 0.3007870416622609],
    ['日本😀', 0.6169803305529058],
    ['', 0.6689221884589642]
  ]
  for (const [key, place] of rows) t.equal(placeOfUser(key), place, `the user '${key}' has the documented position`)
  const same = fc.property(fc.string({ unit: 'binary' }), key => placeOfUser(key) === predictPlace(key))
  t.notOk(fc.check(same).failed)
})

t.test('a route names every destination once: either where it goes, or the first rule that denied it', async t => {
  const all = routerTo(
    destination('routed'),
    destination('disabled', { enabled: false, sources: ['shop'] }),
    destination('source', { sources: ['shop'], types: ['page'] }),
    destination('type', { types: ['page'], events: { deny: ['Signed Up'] } }),
    destination('events', { events: { deny: ['Signed Up'] }, sample: { rate: 0 } }),
    destination('sample', { sample: { rate: 0 } }),
    destination('integrations')
  )
  const off = { integrations: false, sample: false, events: false, disabled: false }
  const route = all.route(track({}, off))
  t.same(route.destinations, ['routed'])
  const rules = ['disabled', 'source', 'type', 'events', 'sample', 'integrations']
  t.same(
    new Set(route.filtered.map(({ destination, rule }) => `${destination} ${rule}`)),
    new Set(rules.map(rule => `${rule} ${rule}`))
  )
  t.equal(route.filtered.length, rules.length)
})

t.test('events with the same route get the same object', async t => {
  t.equal(router.route(track({ userId: 'a' })), router.route(track({ userId: 'b' }, { All: true })))
  t.equal(
    router.route(track({}, { Mixpanel: false, Amplitude: false })),
    router.route(track({}, { Amplitude: false, Mixpanel: false }))
  )
  t.equal(router.route(track({}, { All: false })), router.route(track({}, { All: false, Unknown: true })))
})

t.test('with more routes than are cached, each is still right', async t => {
  const names = Array.from({ length: 12 }, (_, i) => `d${i}`)
  const many = routerTo(...names.map(name => destination(name)))
  for (let mask = 0; mask < 2 ** names.length; mask += 7) {
    const chosen = names.filter((_, i) => (mask >> i) & 1)
    const integrations = { All: false, ...Object.fromEntries(chosen.map(name => [name, true])) }
    t.same(many.route(track({}, integrations)).destinations, chosen)
  }
})

const NAMES = ['Amplitude', 'Mixpanel', 'amplitude', 'toString', 'My Function (x)']
const SOURCES = ['web', 'shop', 'ios']
const EVENTS = ['Signed Up', 'Order Completed', 'signed up', 'x']
const some = <T>(values: readonly T[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }), { nil: undefined })
const topic = fc.constantFrom('a', 'b', 'events', '{type}', '{source}-{type}', 'x.{source}')

const destinations = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    topic,
    enabled: fc.boolean(),
    sources: some(SOURCES),
    types: some(EVENT_TYPES),
    events: fc.option(fc.record({ allow: some(EVENTS), deny: some(EVENTS) }), { nil: undefined }),
    sample: fc.option(
      fc.record({ rate: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })) }),
      { nil: undefined }
    )
  }),
  { selector: ({ name }) => name }
)

const setting = fc.constantFrom<unknown[]>(true, false, null, {}, { option: 1 }, [])
const events = fc.record({
  type: fc.constantFrom(...EVENT_TYPES),
  projectId: fc.constantFrom(...SOURCES),
  event: fc.constantFrom(...EVENTS),
  userId: fc.option(fc.string(), { nil: undefined }),
  anonymousId: fc.string({ minLength: 1 }),
  integrations: fc.option(fc.dictionary(fc.constantFrom('All', ...NAMES, 'Unknown'), setting), { nil: undefined })
})

t.test('the router agrees with the naive model for any configuration and event', async t => {
  const check = fc.property(
    destinations,
    topic,
    fc.array(events, { minLength: 1, maxLength: 20 }),
    (list, eventsTopic, sent) => {
      const config = { eventsTopic, rejectedTopic: 'rejected', destinations: list }
      const routed = createRouter(config)
      const known = new Set(routed.knownTopics(SOURCES.map(id => ({ id }))))
      return sent.every(event => {
        const { type, projectId: source, integrations } = event
        const input = { type, source, event: toRoutedEvent(event), integrations }
        const { topics, destinations: names, filtered } = routed.route(input)
        const predicted = predictTopics(config, event)
        return (
          predicted.size === topics.length &&
          new Set(topics).size === topics.length &&
          topics.every(name => predicted.has(name) && known.has(name)) &&
          names.length + filtered.length === list.length
        )
      })
    }
  )
  const { failed, counterexample, numRuns } = fc.check(check, { numRuns: 3_000 })
  t.notOk(failed, `${numRuns} configurations were compared: ${JSON.stringify(counterexample)}`)
})
