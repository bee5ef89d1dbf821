import { writeFileSync } from 'node:fs'
import t from 'tap'
import { createTopic, deleteTopic, readTopic, startKafka } from '../support/kafka.ts'
import { SOURCES, startServer } from '../support/server-process.ts'
import { logged } from '../support/operator-view.ts'
import { assertComplete, startTypedLoad } from '../support/typed-load.ts'
import { until } from '../support/until.ts'
import { ownFolder } from '../support/own-folder.ts'

const DESTINATION = `${SOURCES}destinations:
  - { name: Extra, topic: retired.extra, types: [track] }
`
const WORDS = 'topic retired.extra is no longer configured'
/** More than a late lane keeps in memory, so that the rest must be read from the log. */
const MANY_EVENTS = 400

t.test(
  'a topic is removed from the configuration while its events wait: they are named, and go to it once that is possible, and no later event does',
  async t => {
    const kafka = await startKafka({})
    t.teardown(() => kafka.stop())
    for (const topic of ['retired.events', 'retired.extra']) await createTopic(kafka.brokers, topic, { partitions: 2 })
    const topics = { EVENTS_TOPIC: 'retired.events', REJECTED_TOPIC: 'retired.events', KAFKA_CREATE_TOPICS: 'false' }
    const dir = ownFolder(t, { 'tributary.yml': DESTINATION })
    const server = await startServer(t, { dir, env: { KAFKA_BROKERS: kafka.brokers.join(','), ...topics } })
    await server.ready()
    await deleteTopic(kafka.brokers, 'retired.extra')
    const load = startTypedLoad(t, server.url, { pad: { track: 10_000 } })
    const tracked = (): number => load.acked().filter(({ type }) => type === 'track').length
    await until(() => tracked() >= MANY_EVENTS, { what: 'many events of the deleted topic', timeoutMs: 60_000 })
    await load.stop()

    writeFileSync(server.configFile, SOURCES)
    await until(async () => (await server.readyz()).text.includes(WORDS), {
      what: 'readyz to name the problem',
      timeoutMs: 30_000
    })
    const later = startTypedLoad(t, server.url, { name: 'later' })
    await until(() => later.acked().length > 100, { what: 'more than 100 later events', timeoutMs: 30_000 })
    await later.stop()
    t.ok((await server.backlogBytes()) > MANY_EVENTS * 10_000, 'the events wait in the spool')

    await createTopic(kafka.brokers, 'retired.extra', { partitions: 2 })
    await server.drained()
    await until(async () => !(await server.readyz()).text.includes(WORDS), {
      what: 'readyz to stop naming the problem',
      timeoutMs: 30_000
    })
    await assertComplete(t, load, { type: 'track', brokers: kafka.brokers, topic: 'retired.extra' })
    const there = await readTopic(kafka.brokers, 'retired.extra')
    t.equal(there.length, tracked(), 'no event that was sent after the edit is in the topic')
    t.match((await server.readyz()).text, /"problems":\[\]/)
    t.equal(logged(server).filter(line => line.includes(WORDS)).length, 1, 'the log names the problem once')
    t.strictSame([...load.statuses(), ...later.statuses()], [200, 200])
  }
)

t.end()
