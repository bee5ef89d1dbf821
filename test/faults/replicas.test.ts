import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { Kafka as Client, logLevel } from 'kafkajs'
import t from 'tap'
import { startCluster } from '../support/cluster.ts'
import { choose } from '../support/faults.ts'
import { configureTopic, createTopic, type Kafka } from '../support/kafka.ts'
import { startServer } from '../support/server-process.ts'
import { logged, readOperatorView } from '../support/operator-view.ts'
import { assertComplete, p99Of, startTypedLoad, TYPES, type Type } from '../support/typed-load.ts'
import { until } from '../support/until.ts'
import { idsInFolder } from '../support/verdict.ts'

const BAD: Type = 'group'
const IN_TIME_MS = choose(250, 50)
/** In the short form, other work may keep the brokers and the server from answering in time. */
const PUBLISH_TIMEOUT = choose('3s', '750ms')
const WORDS = 'fewer in-sync replicas than min.insync.replicas asks for'

let brokers: readonly Kafka[] = []

t.before(async () => {
  brokers = await startCluster()
})
t.after(async () => {
  await Promise.all(brokers.map(broker => broker.stop()))
})

const addresses = (): string[] => brokers.flatMap(({ brokers }) => brokers)

async function fewestInSync(topic: string): Promise<number> {
  const admin = new Client({ brokers: addresses(), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  await admin.disconnect()
  return Math.min(...(topics[0]?.partitions ?? []).map(({ isr }) => isr.length))
}

t.test(
  'a topic has too few replicas in sync: the others do not wait and use no log, all messages about it use the same words, and it is complete and in order once repaired',
  async t => {
    const topicOf = (type: Type): string => `replicas.${type}`
    for (const type of TYPES) await createTopic(addresses(), topicOf(type), { partitions: 3, replicas: 3 })
    const topics = { EVENTS_TOPIC: 'replicas.{type}', REJECTED_TOPIC: topicOf('track'), KAFKA_CREATE_TOPICS: 'false' }
    const env = { KAFKA_BROKERS: addresses().join(','), PUBLISH_TIMEOUT, ...topics }
    const server = await startServer(t, { env })
    await server.ready()
    const [, broken] = brokers
    await broken?.kill()
    await until(async () => (await fewestInSync(topicOf(BAD))) === 2, {
      what: 'only two replicas in sync',
      timeoutMs: 40_000
    })
    const load = startTypedLoad(t, server.url)
    await until(() => load.acked().length > 400, {
      what: 'more than 400 acknowledged events from the new leaders',
      timeoutMs: 30_000
    })
    await server.drained()
    const calm = p99Of(load.acked().slice(-200))

    await configureTopic(addresses(), topicOf(BAD), { 'min.insync.replicas': '3' })
    await until(async () => (await server.readyz()).text.includes(WORDS), {
      what: 'readyz to name the problem',
      timeoutMs: 20_000
    })
    const from = load.answers.length
    await sleep(choose(6_000, 30_000))
    const during = load.acked().slice(from)
    const spooled = idsInFolder(join(server.dataDir, 'spool'))
    t.strictSame(
      spooled.filter(id => !id.startsWith(BAD)).slice(0, 5),
      [],
      'the log contains only events of the broken topic'
    )
    t.ok(spooled.length > 0, `the log contains ${spooled.length} events of the broken topic`)
    const p99 = p99Of(during.filter(({ type }) => type !== BAD))
    const most = Math.max(IN_TIME_MS, 3 * calm)
    t.ok(
      p99 < most,
      `99 % of ${during.length} events of other topics were answered within ${Math.round(p99)} ms, and within ${Math.round(calm)} ms before the fault`
    )

    const shown = await readOperatorView(server, env)
    const named = new RegExp(`topic ${topicOf(BAD)}, [^"]*${WORDS}`)
    for (const [place, text] of Object.entries(shown)) t.match(text, named, `${place} names the topic and the problem`)
    const lines = logged(server).filter(line => line.includes(WORDS))
    t.equal(new Set(lines).size, lines.length, `the log names each partition once: ${lines.length} lines`)
    t.ok(lines.length <= 3 && lines.every(line => line.includes(topicOf(BAD))))

    await broken?.restart()
    await until(async () => (await server.backlogBytes()) === 0, { what: 'the log to be empty', timeoutMs: 60_000 })
    await until(async () => !(await server.readyz()).text.includes(WORDS), {
      what: 'readyz to stop naming the problem'
    })
    await load.stop()
    await server.drained()
    t.strictSame(load.statuses(), [200])
    for (const type of TYPES) await assertComplete(t, load, { type, brokers: addresses(), topic: topicOf(type) })
    t.comment(
      `measured ${JSON.stringify({ others: during.length, calm, p99, spooled: spooled.length, lines: lines.length })}`
    )
  }
)

t.end()
