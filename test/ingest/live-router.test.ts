import t from 'tap'
import { asRouted } from '../../src/ingest/key-of.ts'
import { parseTributaryFile } from '../../src/config/tributary-file.ts'
import { createLiveRouter } from '../../src/ingest/live-router.ts'
import type { LiveRouter } from '../../src/ingest/live-router.ts'
import type { TributaryFile } from '../../src/model/tributary-file.ts'
import { until } from '../support/until.ts'

function fileTo(...topics: string[]): TributaryFile {
  const destinations = topics.map((topic, index) => `  - { name: d${index}, topic: '${topic}' }\n`).join('')
  return parseTributaryFile(`sources: [{ id: web, writeKeys: [k] }]\ndestinations:\n${destinations}`, 'x.yml').file
}

const topicsOf = (router: LiveRouter): readonly string[] =>
  router.current().route({ type: 'track', source: 'web', event: asRouted({ userId: 'u' }), integrations: undefined })
    .topics

/** A live router in front of a Kafka that refuses what is in `refused`, and answers when it is let. */
function start(first: TributaryFile) {
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
    retryMs: 5
  })
  return { router, refused, told, inForce, gates }
}

t.test('a file takes over when all its topics can be had', async t => {
  const { router, inForce } = start(fileTo('a'))
  await router.replace(fileTo('b', 'c.{type}'))
  t.same(topicsOf(router), ['all', 'b', 'c.track'])
  t.equal(inForce.length, 1)
  t.ok(inForce[0]?.includes('c.identify'))
})

t.test('a file with refused topics waits, is told of once, and takes over when they can be had', async t => {
  const { router, refused, told } = start(fileTo('a'))
  refused.set('no.track', 'topic no.track: no').set('no.page', 'topic no.page: no').set('bad', 'topic bad: no')
  await router.replace(fileTo('b', 'no.{type}'))
  t.same(topicsOf(router), ['all', 'a'])
  refused.delete('bad')
  await until(() => topicsOf(router).includes('b') || told.length > 0, { what: 'a second try' })
  t.same(told, [
    ['x.yml:4:24: destinations[1].topic: topic no.track: no (and 1 more of this template)', 'topic bad: no']
  ])
  refused.clear()
  await until(() => topicsOf(router).includes('b'), { what: 'the file to take over' })
  t.equal(told.length, 1)
})

t.test('a newer file wins over one that Kafka takes longer to answer for', async t => {
  const { router, gates } = start(fileTo('a'))
  const { promise, resolve } = Promise.withResolvers<void>()
  gates.set('slow', promise)
  const slow = router.replace(fileTo('slow'))
  await router.replace(fileTo('newer'))
  resolve()
  await slow
  t.same(topicsOf(router), ['all', 'newer'])
})

t.test('after the end no file takes over', async t => {
  const { router, refused } = start(fileTo('a'))
  refused.set('b', 'topic b: no')
  await router.replace(fileTo('b'))
  router.close()
  refused.clear()
  await new Promise(resolve => setTimeout(resolve, 30))
  t.same(topicsOf(router), ['all', 'a'])
})

t.test('the topics of the first file are judged too', async t => {
  const { router, refused } = start(fileTo('a'))
  t.same(await router.startProblems(), [])
  refused.set('a', 'topic a: no')
  t.same(await router.startProblems(), ['x.yml:3:24: destinations[0].topic: topic a: no'])
})
