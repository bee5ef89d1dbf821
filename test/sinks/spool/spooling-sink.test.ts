import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { systemClock } from '../../../src/model/clock.ts'
import type { OutgoingRecord } from '../../../src/model/record.ts'
import { messageIdOf } from '../../../src/model/record.ts'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { createLogReader } from '../../../src/sinks/event-log/log-reader.ts'
import { openSegmentLog } from '../../../src/sinks/event-log/segment-log.ts'
import { RefusedRecords } from '../../../src/sinks/kafka/refused-records.ts'
import { createMemorySink } from '../../../src/sinks/memory.ts'
import { createRefusedFile } from '../../../src/sinks/spool/refused-file.ts'
import { createSpoolingSink } from '../../../src/sinks/spool/spooling-sink.ts'
import { linesFrom } from '../../support/event-log.ts'
import { testRecord, type TestRecord } from '../../support/records.ts'
import { until } from '../../support/until.ts'
import { placesOf } from '../../support/places.ts'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

function record(id: string): TestRecord {
  const line = Buffer.from(`{"type":"track","userId":"u","event":"e","messageId":"${id}","version":2}\n`)
  return testRecord({ line, messageId: id, key: 'u', topics: ['events'] })
}

function restore(line: Buffer): OutgoingRecord | undefined {
  const { messageId } = JSON.parse(line.toString()) as { messageId?: string }
  return messageId === undefined ? undefined : testRecord({ ...record(messageId), line })
}

async function startSubject(
  t: Test,
  options: { dir?: string; kafka?: ReturnType<typeof createMemorySink>; maxBytes?: number } = {}
) {
  const dir = options.dir ?? join(t.testdir(), 'spool')
  const kafka = options.kafka ?? createMemorySink()
  const spool = await openSegmentLog({ dir, clock: systemClock, log: silent, maxBytes: options.maxBytes })
  const readers = [await createLogReader({ source: spool, log: silent, deleteConsumed: true })]
  const refused = createRefusedFile({ dir, maxBytes: 1_000_000, now: Date.now })
  const sink = createSpoolingSink({
    kafka,
    spool,
    readers,
    refused,
    restore,
    monotonic: systemClock.monotonic,
    log: silent
  })
  t.teardown(() => sink.close())
  return { dir, kafka, sink, ids: () => kafka.records.map(({ messageId }) => messageId) }
}

const down = new SinkUnavailable('Kafka is away')

t.test('what Kafka does not confirm is durable in the spool, and relayed once Kafka is back', async t => {
  const { kafka, sink, ids } = await startSubject(t)
  kafka.failure = down
  const receipt = await sink.publish([record('a'), record('b')])
  t.match(placesOf(receipt, 1), [{ store: 'spool', file: /^spool\/.*\.ndjson$/, position: record('a').line.length }])
  t.notOk(receipt.released, 'Kafka may still be told of them')
  const behind = await sink.publish([record('c')])
  t.ok(behind.released, 'Kafka was not told of it')
  t.ok(sink.backlogBytes() > 0)
  kafka.failure = undefined
  await until(() => ids().length === 3, { what: 'the relay' })
  t.same(ids(), ['a', 'b', 'c'])
  await until(() => sink.backlogBytes() === 0, { what: 'the relay' })
})

t.test('while the spool is not empty new events go behind it, and the order of all holds', async t => {
  const { kafka, sink, ids } = await startSubject(t)
  const sent: string[] = []
  const send = async (id: string): Promise<void> => {
    sent.push(id)
    await sink.publish([record(id)])
  }
  for (let i = 0; i < 300; i++) {
    if (i === 50 || i === 200) kafka.failure = down
    if (i === 120 || i === 250) kafka.failure = undefined
    await send(`m${i}`)
  }
  await until(() => sink.backlogBytes() === 0 && ids().length >= sent.length, { what: 'the relay' })
  t.same([...new Set(ids())], sent)
})

t.test('calls that are on their way to Kafka when it fails keep their order before those that come after', async t => {
  const { kafka, sink, ids } = await startSubject(t)
  let fail = (): void => undefined
  kafka.gate = new Promise<void>((_resolve, reject) => {
    fail = () => reject(down)
  })
  kafka.gate.catch(() => undefined)
  const first = ['a', 'b', 'c'].map(id => sink.publish([record(id)]))
  kafka.failure = down
  fail()
  kafka.gate = undefined
  const second = ['d', 'e'].map(id => sink.publish([record(id)]))
  await Promise.all([...first, ...second])
  kafka.failure = undefined
  await until(() => ids().length === 5, { what: 'the relay' })
  t.same(ids(), ['a', 'b', 'c', 'd', 'e'])
})

t.test('a restart resumes where the relay stopped: nothing is missing and nothing confirmed is sent again', async t => {
  const dir = join(t.testdir(), 'spool')
  const kafka = createMemorySink()
  kafka.failure = down
  const before = await startSubject(t, { dir, kafka })
  for (let i = 0; i < 20; i++) await before.sink.publish([record(`m${i}`)])
  await before.sink.close()
  t.equal(kafka.records.length, 0)

  kafka.failure = undefined
  const after = await startSubject(t, { dir, kafka })
  await until(() => after.ids().length === 20, { what: 'the relay' })
  await after.sink.publish([record('last')])
  await after.sink.close()
  // The last one may have gone behind the others, to wait for the next start.
  const again = await startSubject(t, { dir, kafka })
  await until(() => again.sink.backlogBytes() === 0, { what: 'the relay' })
  await again.sink.close()
  t.same(again.ids(), [...Array.from({ length: 20 }, (_, i) => `m${i}`), 'last'])
})

t.test('segments that Kafka has confirmed are deleted', async t => {
  const { dir, kafka, sink, ids } = await startSubject(t)
  kafka.failure = down
  await sink.publish([record('a')])
  kafka.failure = undefined
  await until(() => ids().length === 1 && sink.backlogBytes() === 0, { what: 'the relay' })
  await until(() => readdirSync(dir).every(name => !name.endsWith('.ndjson')), { what: 'the relay' })
})

t.test('a full spool refuses with SinkUnavailable and drops nothing', async t => {
  const { kafka, sink, ids } = await startSubject(t, { maxBytes: 1_000 })
  kafka.failure = down
  const kept: string[] = []
  for (let i = 0; i < 50; i++) {
    await sink.publish([record(`m${i}`)]).then(
      () => kept.push(`m${i}`),
      (error: unknown) => t.match(error, { code: 'SINK_UNAVAILABLE' })
    )
  }
  t.ok(kept.length > 0 && kept.length < 50)
  kafka.failure = undefined
  await until(() => ids().length === kept.length, { what: 'the relay' })
  t.same(ids(), kept)
})

t.test('a record that Kafka refuses for good is put aside with its reason and does not block the others', async t => {
  const { dir, kafka, sink, ids } = await startSubject(t)
  const publish = kafka.publish.bind(kafka)
  kafka.publish = async records => {
    if (kafka.failure !== undefined) throw kafka.failure
    const index = records.findIndex(record => messageIdOf(record) === 'poison')
    await publish(records.filter(record => messageIdOf(record) !== 'poison'))
    if (index >= 0) throw new RefusedRecords([{ index, topic: 'events', reason: 'too large' }])
    return { marks: [], read: () => [], released: true }
  }
  await sink.publish([record('a'), record('poison'), record('b')])
  kafka.failure = down
  await sink.publish([record('c')])
  await sink.publish([record('poison')])
  await sink.publish([record('d')])
  kafka.failure = undefined
  await until(() => ids().length === 4, { what: 'the relay' })
  t.same(ids(), ['a', 'b', 'c', 'd'])
  await until(() => sink.backlogBytes() === 0, { what: 'the relay' })
  const aside = readFileSync(join(dir, 'refused.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as object)
  t.equal(aside.length, 2)
  t.match(aside[0], { topic: 'events', reason: 'too large', record: { messageId: 'poison' } })
})

t.test('a line that is no record is put aside and does not block the others', async t => {
  const dir = join(t.testdir(), 'spool')
  const log = await openSegmentLog({ dir, clock: systemClock, log: silent })
  await log.append(linesFrom([Buffer.from('{"some":"thing"}\n'), record('a').line]))
  await log.close()
  const { ids, sink } = await startSubject(t, { dir })
  await until(() => ids().length === 1 && sink.backlogBytes() === 0, { what: 'the relay' })
  t.ok(existsSync(join(dir, 'refused.jsonl')))
})

t.test('what is on its way when the sink is closed is confirmed by Kafka or durable in the spool', async t => {
  const dir = join(t.testdir(), 'spool')
  const kafka = createMemorySink()
  const { sink } = await startSubject(t, { dir, kafka })
  let fail = (): void => undefined
  kafka.gate = new Promise<void>((_resolve, reject) => {
    fail = () => reject(down)
  })
  kafka.gate.catch(() => undefined)
  const publishing = sink.publish([record('a')])
  const closing = sink.close()
  fail()
  await Promise.all([publishing, closing])
  kafka.gate = undefined
  const after = await startSubject(t, { dir, kafka })
  await until(() => after.ids().length === 1, { what: 'the relay' })
})

t.test('under a load that never pauses, events go to Kafka directly again soon after it is back', async t => {
  const { kafka, sink, ids } = await startSubject(t)
  let running = true
  let sent = 0
  let direct = 0
  const publishers = Array.from({ length: 64 }, async (_, user) => {
    for (let i = 0; running; i++) {
      const receipt = await sink.publish([testRecord({ ...record(`u${user}-${i}`), key: `u${user}` })])
      if (placesOf(receipt, 0)[0]?.store === 'memory') direct++
      else direct = 0
      sent++
      await nextTurn()
    }
  })
  kafka.failure = down
  await until(() => sent > 2_000, { what: 'the load' })
  kafka.failure = undefined
  await t.resolves(until(() => direct > 1_000, { what: 'the spool to be left', timeoutMs: 5_000 }))
  running = false
  await Promise.all(publishers)
  const last = new Map<string, number>()
  const disorder = ids().filter(id => {
    const [user = '', at] = id.split('-')
    const isLate = Number(at) <= (last.get(user) ?? -1)
    last.set(user, Number(at))
    return isLate
  })
  t.same([ids().length, disorder], [sent, []], 'all is there once, each user in order')
})

t.test('while some partitions fail, the others get what is theirs once, and nobody overtakes', async t => {
  const { kafka, sink, ids } = await startSubject(t)
  const publish = kafka.publish.bind(kafka)
  let tries = 0
  let isPartlyDown = true
  const takes = (record: OutgoingRecord): boolean => messageIdOf(record).startsWith('well') || !isPartlyDown
  kafka.publish = async records => {
    if (kafka.failure !== undefined) throw kafka.failure
    await publish(records.filter(takes))
    if (records.every(takes)) return { marks: [], read: () => [], released: true }
    tries++
    throw down
  }
  kafka.failure = down
  for (let i = 0; i < 5; i++) await sink.publish([record(`well${i}`), record(`ill${i}`)])
  kafka.failure = undefined
  await until(() => tries > 3, { what: 'the relay to try' })
  isPartlyDown = false
  await until(() => sink.backlogBytes() === 0, { what: 'the relay' })
  const stored = (name: string): string[] => ids().filter(id => id.startsWith(name))
  t.same(stored('well'), ['well0', 'well1', 'well2', 'well3', 'well4'])
  t.same(stored('ill'), ['ill0', 'ill1', 'ill2', 'ill3', 'ill4'])
})
