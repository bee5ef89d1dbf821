import { join } from 'node:path'
import t from 'tap'
import { createTopic, deleteTopic, startKafka } from '../support/kafka.ts'
import { startServer } from '../support/server-process.ts'
import { assertComplete, startTypedLoad, TYPES, type Type } from '../support/typed-load.ts'
import { until } from '../support/until.ts'
import { idsInFolder } from '../support/verdict.ts'

const STUCK: Type = 'group'
const OTHERS_SPOOLED = 100

t.test(
  'a topic that is stuck uses up its share of SPOOL_MAX_BYTES: its own events get 503, events of other topics are accepted, also by the log, and the topic recovers',
  async t => {
    const kafka = await startKafka({})
    t.teardown(() => kafka.stop())
    const topicOf = (type: Type): string => `share.${type}`
    for (const type of TYPES) await createTopic(kafka.brokers, topicOf(type), { partitions: 2 })
    const topics = { EVENTS_TOPIC: 'share.{type}', REJECTED_TOPIC: topicOf('track'), KAFKA_CREATE_TOPICS: 'false' }
    const env = { KAFKA_BROKERS: kafka.brokers.join(','), SPOOL_MAX_BYTES: '4MiB', ...topics }
    const server = await startServer(t, { env })
    await server.ready()
    await deleteTopic(kafka.brokers, topicOf(STUCK))
    const load = startTypedLoad(t, server.url, { pad: { [STUCK]: 10_000 } })

    await until(() => load.statuses().includes(503), {
      what: 'a 503, because the topic has used up its share',
      timeoutMs: 60_000
    })
    const filled = load.answers.length
    kafka.pause()
    const spool = join(server.dataDir, 'spool')
    const others = (): number => idsInFolder(spool).filter(id => !id.startsWith(STUCK)).length
    await until(() => others() >= OTHERS_SPOOLED, { what: 'events of other topics in the log', timeoutMs: 60_000 })
    const refused = load.answers.filter(({ status }) => status === 503)
    t.strictSame([...new Set(refused.map(({ type }) => type))], [STUCK], 'only events of the stuck topic are refused')
    t.match(refused[0]?.text, new RegExp(`topic ${topicOf(STUCK)} has its share of it`))
    const late = load.answers.slice(filled).filter(({ type }) => type !== STUCK)
    t.strictSame(
      [...new Set(late.map(({ status }) => status))],
      [200],
      `all of the ${late.length} later events of other topics are accepted`
    )
    kafka.resume()

    await createTopic(kafka.brokers, topicOf(STUCK), { partitions: 2 })
    await until(async () => (await server.backlogBytes()) === 0, { what: 'the log to be empty', timeoutMs: 60_000 })
    const mended = load.answers.length
    const isTakenAgain = (): boolean => load.acked().filter(({ type }) => type === STUCK).length > 0
    await until(() => load.answers.slice(mended).length > TYPES.length * 10 && isTakenAgain(), {
      what: 'events of all topics to be accepted again'
    })
    await load.stop()
    await server.drained()
    const after = load.answers.slice(mended + TYPES.length * 5)
    t.strictSame([...new Set(after.map(({ status }) => status))], [200], 'all events are accepted again')
    for (const type of TYPES) await assertComplete(t, load, { type, brokers: kafka.brokers, topic: topicOf(type) })
    t.comment(
      `measured ${JSON.stringify({ answers: load.answers.length, refused: refused.length, late: late.length })}`
    )
  }
)

t.end()
