import t from 'tap'
import { toRoutedEvent } from '../../../src/ingest/route/key-of.ts'
import { parseTributaryFile } from '../../../src/config/file/tributary-file.ts'
import { createLiveRouter } from '../../../src/ingest/route/live-router.ts'
import type { LiveRouter } from '../../../src/ingest/route/live-router.ts'
import type { TributaryFile } from '../../../src/model/tributary-file.ts'
import { until } from '../../support/until.ts'

function fileTo(...topics: string[]): TributaryFile {
  const destinations = topics.map((topic, index) => `  - { name: d${index}, topic: '${topic}' }\n`).join('')
  return parseTributaryFile(`sources: [{ id: web, writeKeys: [k] }]\ndestinations:\n${destinations}`, 'x.yml').file
}

const topicsOf = (router: LiveRouter): readonly string[] =>
  router
    .current()
    .route({ type: 'track', source: 'web', event: toRoutedEvent({ userId: 'u' }), integrations: undefined }).topics

/** A live router in front of a Kafka that refuses the topics in `refused`, and answers when the test allows it. */
function start(first: TributaryFile, reloadTimeoutMs = 5_000) {
  const refused = new Map<string, string>()
  const told: (readonly string[])[] = []
  const inForce: (readonly string[])[] = []
  const gates = new Map<string, Promise<void>>()
  const router = createLiveRouter(first, {
    topics: { eventsTopic: 'all', rejectedTopic: 'bad' },
    async refusedTopics(names) {
      await gates.get(names.find(name => gates.has(name)) ?? '')
      return new Map([...refused].filter(([name]) => names.includes(name)))
    },
    onTopics: names => inForce.push(names),
    onRefused: problems => told.push(problems),
    retryMs: 5,
    reloadTimeoutMs
  })
  return { router, refused, told, inForce, gates }
}

t.test('a file comes into force when all its topics exist', async t => {
  const { router, inForce } = start(fileTo('a'))
  await router.request(fileTo('b', 'c.{type}'))
  t.same(topicsOf(router), ['all', 'b', 'c.track'])
  t.equal(inForce.length, 1)
  t.ok(inForce[0]?.includes('c.identify'))
})

t.test('a file with refused topics waits, is reported once, and comes into force when the topics exist', async t => {
  const { router, refused, told } = start(fileTo('a'))
  refused.set('no.track', 'topic no.track: no').set('no.page', 'topic no.page: no')
  await router.request(fileTo('b', 'no.{type}'))
  t.same(topicsOf(router), ['all', 'a'])
  await until(() => topicsOf(router).includes('b') || told.length > 0, { what: 'the file to be in force or reported' })
  t.same(told, [['x.yml:4:24: destinations[1].topic: topic no.track: no (and 1 more of this template)']])
  refused.clear()
  await until(() => topicsOf(router).includes('b'), { what: 'the file to be in force' })
  t.equal(told.length, 1)
})

t.test('all other settings of a file take effect in the same turn as its routes, and not before', async t => {
  const { router, refused, inForce } = start(fileTo('a'))
  const effects: string[] = []
  const note = (name: string) => () => effects.push(`${name}: ${topicsOf(router)[1]}, ${inForce.length} told before`)
  await router.request(fileTo('b'), note('good'))
  t.same(effects, ['good: b, 0 told before'])
  refused.set('c', 'topic c: no')
  await router.request(fileTo('c'), note('refused'))
  await router.request(fileTo('d'), note('newer'))
  refused.clear()
  await new Promise(resolve => setTimeout(resolve, 30))
  t.same(
    effects,
    ['good: b, 0 told before', 'newer: d, 1 told before'],
    'the refused file never takes effect, because a newer file replaced it'
  )
})

t.test('an edit that adds no topic asks Kafka nothing: keys change whatever the state of the topics is', async t => {
  const { router, refused, told, gates } = start(fileTo('a'))
  refused.set('a', 'topic a: deleted').set('all', 'topic all: no leader')
  gates.set('a', new Promise(() => undefined))
  let isInForce = false
  void router.request(fileTo('a'), () => (isInForce = true))
  t.ok(isInForce, 'the edit is in force in the same turn')
  t.same(told, [])
})

t.test('a source that is added needs its own topics', async t => {
  const source = (id: string): string => `{ id: ${id}, writeKeys: [k_${id}] }`
  const fileOf = (...ids: string[]) => parseTributaryFile(`sources: [${ids.map(source).join()}]\n`, 'x.yml').file
  const asked: (readonly string[])[] = []
  const told: (readonly string[])[] = []
  const router = createLiveRouter(fileOf('web'), {
    topics: { eventsTopic: 'ev.{source}', rejectedTopic: 'bad' },
    async refusedTopics(names) {
      asked.push(names)
      return new Map(names.includes('ev.app') ? [['ev.app', 'topic ev.app: it does not exist']] : [])
    },
    onTopics: () => undefined,
    onRefused: problems => told.push(problems)
  })
  let isInForce = false
  await router.request(fileOf('web', 'app'), () => (isInForce = true))
  t.same([isInForce, asked, told], [false, [['ev.app']], [['topic ev.app: it does not exist']]])
  router.withdraw()
})

t.test('a Kafka that does not answer in time refuses nothing, even if its client still waits', async t => {
  const { router, gates } = start(fileTo('a'), 20)
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => clearInterval(alive))
  gates.set('slow', new Promise(() => undefined))
  let isInForce = false
  await router.request(fileTo('slow'), () => (isInForce = true))
  t.ok(isInForce)
  t.same(topicsOf(router), ['all', 'slow'])
})

t.test('a newer file replaces one for which Kafka takes longer to answer', async t => {
  const { router, gates } = start(fileTo('a'))
  const { promise, resolve } = Promise.withResolvers<void>()
  gates.set('slow', promise)
  const slow = router.request(fileTo('slow'))
  await router.request(fileTo('newer'))
  resolve()
  await slow
  t.same(topicsOf(router), ['all', 'newer'])
})

t.test('a file that is no longer wanted does not come into force', async t => {
  const { router, refused } = start(fileTo('a'))
  refused.set('b', 'topic b: no')
  await router.request(fileTo('b'))
  router.withdraw()
  refused.clear()
  await new Promise(resolve => setTimeout(resolve, 30))
  t.same(topicsOf(router), ['all', 'a'])
})

t.test('the topics of the first file are checked too', async t => {
  const { router, refused } = start(fileTo('a'))
  t.same(await router.startProblems(), [])
  refused.set('a', 'topic a: no')
  t.same(await router.startProblems(), ['x.yml:3:24: destinations[0].topic: topic a: no'])
})
