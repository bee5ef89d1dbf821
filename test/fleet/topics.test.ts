import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { clientOptions } from '../../src/durability/kafka/connect/session.ts'
import type { FleetRecord, ReadFrom } from '../../src/fleet/topics/reader.ts'
import type { FleetTopics } from '../../src/fleet/topics/topics.ts'
import { openFleetTopics } from '../../src/fleet/topics/topics.ts'
import { deleteTopic, startKafka } from '../support/kafka.ts'
import { until } from '../support/until.ts'

const kafka = await startKafka({ heap: '320m' })
t.teardown(() => kafka.stop())

/** Enough readers that some of them ask for their position while a record is being written. */
const [ROUNDS, READERS] = [6, 20]

let fleets = 0

async function fleetOf(t: Test): Promise<FleetTopics> {
  const fleet = `fleet-${++fleets}`
  const topics = openFleetTopics({
    fleet,
    client: clientOptions({ brokers: kafka.brokers, clientId: 'tributary' }),
    replicationFactor: 1,
    create: true
  })
  t.teardown(() => topics.close())
  await topics.ensure()
  return topics
}

function readAll(topics: FleetTopics, from: ReadFrom) {
  const records: FleetRecord[] = []
  const troubles: unknown[] = []
  const reader = topics.read({
    topic: topics.names.config,
    from,
    onRecords: some => records.push(...some),
    onTrouble: error => troubles.push(error)
  })
  return { reader, records, troubles, texts: () => records.map(({ key, value }) => `${key}=${String(value)}`) }
}

const write = (topics: FleetTopics, key: string, value: string): Promise<bigint> =>
  topics.write(topics.names.config, [{ key, value: Buffer.from(value) }])

await t.test('servers that start at once create the three topics once', async t => {
  const first = await fleetOf(t)
  await Promise.all([first.ensure(), first.ensure(), first.ensure()])
  t.same(Object.values(first.names), ['fleet-1.fleet.config', 'fleet-1.fleet.members', 'fleet-1.fleet.seen'])
})

await t.test(
  'every reader gets the records in the order of their offsets, from the beginning and as they are written',
  async t => {
    const topics = await fleetOf(t)
    const offsets = [await write(topics, 'a', '1'), await write(topics, 'b', '2')]
    t.same(offsets, [0n, 1n], 'a write returns the offset of its record')
    const [one, two] = [readAll(topics, 'beginning'), readAll(topics, 'beginning')]
    await Promise.all([one.reader.caughtUp(), two.reader.caughtUp()])
    t.same(one.texts(), ['a=1', 'b=2'], 'existing records are read before the reader has caught up')
    await Promise.all([write(topics, 'c', '3'), write(topics, 'd', '4'), write(topics, 'e', '5')])
    await until(() => one.records.length === 5 && two.records.length === 5, { what: 'both readers to get all records' })
    t.same(one.texts(), two.texts(), 'both readers get the same order')
    t.same(
      one.records.map(({ offset }) => offset),
      [0n, 1n, 2n, 3n, 4n]
    )
    t.ok(one.reader.silentMs() < 5_000)
  }
)

await t.test('a reader begins at the end, at a time or at an offset', async t => {
  const topics = await fleetOf(t)
  await write(topics, 'a', '1')
  const end = readAll(topics, 'end')
  await end.reader.caughtUp()
  await until(() => Date.now() % 10 === 0, { what: 'a later millisecond' })
  await write(topics, 'b', '2')
  await until(() => end.records.length === 1, { what: 'the record after the end' })
  t.same(end.texts(), ['b=2'])
  const fromTime = readAll(topics, { time: end.records[0]?.at ?? 0 })
  const fromOffset = readAll(topics, { offset: 1n })
  const fromFuture = readAll(topics, { time: Date.now() + 60_000 })
  await Promise.all([fromTime, fromOffset, fromFuture].map(({ reader }) => reader.caughtUp()))
  t.match(fromTime.texts().at(-1), 'b=2')
  t.same(fromOffset.texts(), ['b=2'])
  t.same(fromFuture.texts(), [], 'no record is newer than the given time')
})

await t.test('a reader that begins at a time misses nothing that is written while it starts', async t => {
  const topics = await fleetOf(t)
  await write(topics, 'before', '')
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(5)
    const from = { time: Date.now() }
    // No record is newer. Some readers ask for the position just before the record exists, some just after.
    const readers: ReturnType<typeof readAll>[] = []
    for (let count = 0; count < READERS; count++) {
      readers.push(readAll(topics, from))
      await sleep(2)
    }
    await write(topics, `first-${round}`, '')
    await Promise.all(readers.map(({ reader }) => reader.caughtUp()))
    await write(topics, `last-${round}`, '')
    const isAt = (key: string) => (one: ReturnType<typeof readAll>) => one.records.some(record => record.key === key)
    await until(() => readers.every(isAt(`last-${round}`)), { what: 'all readers to get the last record' })
    t.equal(readers.filter(isAt(`first-${round}`)).length, READERS)
    await Promise.all(readers.map(({ reader }) => reader.close()))
  }
})

await t.test('a tombstone is read as null, and an empty topic ends at once', async t => {
  const topics = await fleetOf(t)
  const { reader, records } = readAll(topics, 'beginning')
  await reader.caughtUp()
  t.same(records, [])
  await topics.write(topics.names.config, [{ key: 'a', value: null }])
  await until(() => records.length === 1, { what: 'the tombstone' })
  t.match(records, [{ key: 'a', value: null }])
})

await t.test('a reader continues after the broker was away, and misses nothing', async t => {
  const topics = await fleetOf(t)
  const { reader, texts } = readAll(topics, 'beginning')
  await write(topics, 'a', '1')
  await reader.caughtUp()
  await kafka.kill()
  await until(() => reader.silentMs() > 1_500, { what: 'the reader to be silent', timeoutMs: 20_000 })
  await t.rejects(write(topics, 'b', 'lost'), 'a write that Kafka does not confirm rejects')
  await kafka.restart()
  const isWritten = (): Promise<boolean> => write(topics, 'b', '2').then(Boolean, () => false)
  await until(isWritten, { what: 'a write that Kafka confirms', timeoutMs: 60_000 })
  await until(() => texts().includes('b=2'), { what: 'the record after the restart', timeoutMs: 30_000 })
  t.equal(texts()[0], 'a=1')
  t.ok(reader.silentMs() < 5_000)
})

await t.test('a topic that was deleted and created again is read from its beginning', async t => {
  const topics = await fleetOf(t)
  const { reader, texts } = readAll(topics, 'beginning')
  await write(topics, 'a', '1')
  await write(topics, 'b', '2')
  await until(() => texts().length === 2, { what: 'the records of the first topic' })
  await deleteTopic(kafka.brokers, topics.names.config)
  const isMade = (): Promise<boolean> =>
    topics
      .ensure()
      .then(() => write(topics, 'c', '3'))
      .then(
        offset => offset === 0n,
        () => false
      )
  await until(isMade, { what: 'the topic to be created again', timeoutMs: 30_000 })
  await until(() => texts().includes('c=3'), { what: 'the record of the new topic', timeoutMs: 30_000 })
  await reader.close()
  t.equal(texts().at(-1), 'c=3')
})
