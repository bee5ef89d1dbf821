import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { createSeenBuffer } from '../../src/fleet/seen/buffer.ts'
import type { Seed } from '../../src/fleet/seen/record.ts'
import { checkOf, readSeenRecord, seenRecords } from '../../src/fleet/seen/record.ts'
import { SeenStream } from '../../src/fleet/seen/stream.ts'
import { agreeOnSeed } from '../../src/fleet/seen/seed.ts'
import { followConfigTopic } from '../../src/fleet/config/config-topic.ts'
import { MemoryTopics } from '../support/memory-topics.ts'
import { until } from '../support/until.ts'

const SEED: Seed = [1, 2]
const ENTRY = 12
const SENDER = randomUUID()

const ids = (entries: Uint8Array): number[] =>
  Array.from({ length: entries.length / ENTRY }, (_, at) => Buffer.from(entries).readInt32LE(at * ENTRY))

/** The ids in the topic, by their first number. */
const toldIds = (topics: MemoryTopics): number[] =>
  topics.records(topics.names.seen).flatMap(record => ids(readSeenRecord(record)?.entries ?? new Uint8Array()))

/** A stream without a reason for a warning. */
function quietStream(t: Test, topics: MemoryTopics): SeenStream {
  const log = { warn: (_fields: object, message: string) => void t.fail(message) }
  return new SeenStream({ topics, seed: SEED, sender: SENDER, log })
}

t.test('written ids can be read back, in records that delay no reader', t => {
  const buffer = createSeenBuffer()
  for (let id = 0; id < 10_000; id++) buffer.add('web', id, -id, 7)
  buffer.add('web.rejected', 1, 2, 3)
  const records = seenRecords(buffer.take(), { check: checkOf(SEED), sender: SENDER })
  const read = records.map(record => readSeenRecord(record))
  t.same(
    read.map(record => [record?.name, record?.check, record?.sender, ids(record?.entries ?? new Uint8Array()).length]),
    [
      ['web', checkOf(SEED), SENDER, 4_096],
      ['web', checkOf(SEED), SENDER, 4_096],
      ['web', checkOf(SEED), SENDER, 1_808],
      ['web.rejected', checkOf(SEED), SENDER, 1]
    ]
  )
  t.same(
    read.slice(0, 3).flatMap(record => ids(record?.entries ?? new Uint8Array())),
    Array.from({ length: 10_000 }, (_, id) => id)
  )
  t.ok(buffer.isEmpty)
  t.end()
})

t.test('records of another kind, or with a name that no source has, are ignored', t => {
  const entries = Buffer.alloc(2 * ENTRY)
  const key = `ids/${checkOf(SEED)}/${SENDER}/web`
  t.ok(readSeenRecord({ key, value: entries }))
  for (const other of [
    '',
    'ids',
    key.replace('ids', 'ids2'),
    key.replace('web', '../web'),
    key.replace('web', 'a/b')
  ]) {
    t.equal(readSeenRecord({ key: other, value: entries }), undefined, other)
  }
  for (const value of [null, Buffer.alloc(ENTRY + 1)]) t.equal(readSeenRecord({ key, value }), undefined)
  t.end()
})

t.test('a buffer that nobody empties holds at most 65,536 ids of a source', t => {
  const buffer = createSeenBuffer()
  for (let id = 0; id < 100_000; id++) buffer.add('web', id, 0, 0)
  const [batch] = buffer.take()
  t.equal(batch?.entries.length, 65_536 * ENTRY)
  t.end()
})

t.test('ids that Kafka refuses are sent once it accepts them, and none of them twice', async t => {
  const topics = new MemoryTopics()
  const stream = quietStream(t, topics)
  topics.isAway = true
  stream.add('web', 1, 0, 0)
  await new Promise(resolve => {
    setTimeout(resolve, 200)
  })
  stream.add('web', 2, 0, 0)
  topics.isAway = false
  const told = (): number[] => toldIds(topics)
  await until(() => told().length >= 2, { what: 'both ids to be sent', timeoutMs: 30_000 })
  await stream.close()
  // In any order, because several requests are in flight at once.
  t.same(
    told().toSorted((a, b) => a - b),
    [1, 2]
  )
})

t.test('an id is sent at once, and does not wait until Kafka has confirmed the ids before it', async t => {
  const topics = new MemoryTopics()
  const stream = quietStream(t, topics)
  topics.isSilent = true
  stream.add('web', 1, 0, 0)
  stream.add('web', 2, 0, 0)
  await setImmediate()
  t.same(toldIds(topics), [1, 2], 'the ids of one turn of the event loop are sent in the next turn')
  t.equal(topics.records(topics.names.seen).length, 1, 'both ids are in one record')
  stream.add('web', 3, 0, 0)
  await until(() => toldIds(topics).includes(3), { what: 'the third id to be sent', timeoutMs: 30_000 })
  await stream.close()
})

t.test('ids wait in the buffer while four requests are in flight that Kafka has not confirmed', async t => {
  const topics = new MemoryTopics()
  const stream = quietStream(t, topics)
  topics.isSilent = true
  for (let id = 1; id <= 4; id++) {
    stream.add('web', id, 0, 0)
    await until(() => toldIds(topics).includes(id), { what: `id ${id} to be sent`, timeoutMs: 30_000 })
  }
  for (let id = 5; id <= 9; id++) stream.add('web', id, 0, 0)
  await stream.close()
  t.same(toldIds(topics), [1, 2, 3, 4], 'a server that stops does not wait for the confirmation')
})

t.test('a server can stop while Kafka is away', async t => {
  const topics = new MemoryTopics()
  const stream = quietStream(t, topics)
  topics.isAway = true
  stream.add('web', 1, 0, 0)
  await stream.close()
  t.same(topics.records(topics.names.seen), [])
})

t.test('ids that the server itself has sent, or that were hashed with another seed, are not restored', async t => {
  const topics = new MemoryTopics()
  const restored: string[] = []
  const warnings: string[] = []
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) }
  const stream = new SeenStream({ topics, seed: SEED, sender: SENDER, log })
  await stream.follow(name => void restored.push(name))
  const heard = (check: string, sender: string, name: string): Promise<bigint> =>
    topics.write(topics.names.seen, [{ key: `ids/${check}/${sender}/${name}`, value: Buffer.alloc(ENTRY) }])
  await heard(checkOf(SEED), SENDER, 'own')
  await heard(checkOf(SEED), randomUUID(), 'other')
  for (let times = 0; times < 2; times++) await heard(checkOf([3, 4]), randomUUID(), 'seed')
  t.same(restored, ['other'])
  t.match(warnings, [/another seed/])
  t.equal(warnings.length, 1, 'the problem is logged once')
  await stream.close()
})

t.test('servers that start at once hash with one seed, and later servers use the same', async t => {
  const topics = new MemoryTopics()
  const seeds = [1, 2, 3].map((number): Seed => [number, number])
  const agreed = await Promise.all(seeds.map(own => agreeOnSeed(followConfigTopic({ topics }), own)))
  t.same(agreed, [seeds[0], seeds[0], seeds[0]])
  await topics.write(topics.names.config, [{ key: 'ids-seed/x', value: Buffer.from('[9,9]') }])
  t.same(await agreeOnSeed(followConfigTopic({ topics }), [4, 4]), seeds[0])
})

t.test('a seed that cannot be read is skipped', async t => {
  const topics = new MemoryTopics()
  for (const text of ['', '[1]', '{"a":1}', '["1","2"]', 'null']) {
    await topics.write(topics.names.config, [{ key: 'ids-seed/x', value: Buffer.from(text) }])
  }
  await topics.write(topics.names.config, [{ key: 'ids-seed/x', value: null }])
  t.same(await agreeOnSeed(followConfigTopic({ topics }), [5, 6]), [5, 6])
})
