import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { Kafka as Client, logLevel } from 'kafkajs'
import type { Test } from 'tap'
import t from 'tap'
import { startCluster } from '../support/cluster.ts'
import { assertNothingLost, choose, tellRow } from '../support/faults.ts'
import { javaPartition, type Kafka } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import { startServer } from '../support/server-process.ts'
import { idsInFolder, timing, verify } from '../support/verdict.ts'

const IN_TIME_MS = choose(400, 100)

let brokers: readonly Kafka[] = []
let topics = 0

t.before(async () => {
  brokers = await startCluster()
})
t.after(async () => {
  await Promise.all(brokers.map(broker => broker.stop()))
})

const addresses = (): string[] => brokers.flatMap(({ brokers }) => brokers)

/** The node id of each partition's leader. */
async function leadersOf(topic: string): Promise<number[]> {
  const admin = new Client({ brokers: addresses(), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  await admin.disconnect()
  const leaders: number[] = []
  for (const { partitionId, leader } of topics[0]?.partitions ?? []) leaders[partitionId] = leader
  return leaders
}

/**
 * Runs a load with a fault of the second broker in its middle, and measures the clients whose partitions have other
 * leaders. Each partition has one replica: with more, `acks=all` waits for a missing broker until Kafka removes it from
 * the list.
 */
async function undergo(
  t: Test,
  name: string,
  fault: (broker: Kafka) => Promise<void>,
  mend: (broker: Kafka) => Promise<void>
) {
  const topic = `cluster-${++topics}`
  const env = { KAFKA_BROKERS: addresses().join(','), EVENTS_TOPIC: topic, REJECTED_TOPIC: `${topic}-rejected` }
  const server = await startServer(t, { env: { ...env, KAFKA_REPLICATION_FACTOR: '1' } })
  await server.ready()
  const load = startLoad(t, { url: server.url, eventsPerSecond: choose(150, 250), batchShare: 0, users: 60 })
  await sleep(choose(3_000, 10_000))
  const leaders = await leadersOf(topic)
  const isHit = (user = ''): boolean => leaders[javaPartition(user, leaders.length)] === 2
  const broker = brokers[1] as Kafka
  const begun = performance.now()
  await fault(broker)
  await sleep(choose(2_000, 5_000))
  const spooled = idsInFolder(join(server.dataDir, 'spool'))
  await sleep(choose(3_000, 10_000))
  const over = performance.now()
  await mend(broker)
  await sleep(choose(2_000, 5_000))
  await load.stop()
  await server.drained()
  const verdict = await verify([load], { brokers: addresses(), topic })
  assertNothingLost(t, verdict)
  const others = load.answers.filter(({ user }) => !isHit(user))
  const seen = timing(others, { from: begun, to: over })
  t.strictSame(Object.keys(timing(load.answers).statuses), ['200'])
  t.ok(
    seen.p99 < IN_TIME_MS,
    `99 % of the events for the other brokers were answered within ${Math.round(seen.p99)} ms`
  )
  const idle = spooled.filter(id => !isHit(id.slice(0, id.lastIndexOf('-'))))
  t.strictSame(
    idle.slice(0, 5),
    [],
    `all of the ${spooled.length} events in the log are for partitions of the broken broker`
  )
  tellRow(t, `one broker of three ${name}`, { verdict, spooled: spooled.length, ...seen })
  return verdict
}

t.test(
  'one broker of three is killed: only its partitions use the log, nothing is lost, and each user is in order',
  async t => {
    await undergo(
      t,
      'killed',
      broker => broker.kill(),
      broker => broker.restart()
    )
  }
)

t.test(
  'one broker of three hangs: only its partitions use the log, nothing is lost, and each user is in order',
  async t => {
    await undergo(
      t,
      'hung',
      async broker => broker.pause(),
      async broker => broker.resume()
    )
  }
)

t.test('the brokers are restarted one after the other: nothing is lost, and each user is in order', async t => {
  const topic = `cluster-${++topics}`
  const env = { KAFKA_BROKERS: addresses().join(','), EVENTS_TOPIC: topic, REJECTED_TOPIC: `${topic}-rejected` }
  const server = await startServer(t, { env: { ...env, KAFKA_REPLICATION_FACTOR: '3' } })
  await server.ready()
  const load = startLoad(t, { url: server.url, eventsPerSecond: choose(150, 250), batchShare: 0, users: 60 })
  await sleep(1_000)
  for (const broker of brokers) {
    await broker.restart()
    await sleep(choose(1_000, 4_000))
  }
  await load.stop()
  await server.drained()
  const verdict = await verify([load], { brokers: addresses(), topic })
  assertNothingLost(t, verdict)
  t.strictSame(Object.keys(timing(load.answers).statuses), ['200'])
  tellRow(t, 'three brokers rolled', { verdict, ...timing(load.answers) })
})

t.end()
