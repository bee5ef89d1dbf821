import { randomInt } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { assertNothingLost, choose, tellRow } from '../support/faults.ts'
import type { Kafka } from '../support/kafka.ts'
import { readTopic, startKafka } from '../support/kafka.ts'
import type { AckedEvent } from '../support/load.ts'
import { startLoad } from '../support/load.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { createServerProcess, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { idsInFolder, verify } from '../support/verdict.ts'

const OFFSETS = 200
/** The damaged offsets are spread over this number of starts. */
const STARTS = choose(2, 50)
const SLOW_START_MS = 3_000
const LONG_AGO = new Date('2026-01-01T00:00:00Z')

let kafka: Kafka
let topics = 0

t.before(async () => {
  kafka = await startKafka({})
})
t.after(() => kafka.stop())

/** Variables for a server that relays to its own topic. */
function toKafka(): Record<'KAFKA_BROKERS' | 'KAFKA_PARTITIONS' | 'EVENTS_TOPIC' | 'REJECTED_TOPIC', string> {
  const topic = `events-${++topics}`
  const names = { EVENTS_TOPIC: topic, REJECTED_TOPIC: `${topic}-rejected` }
  return { KAFKA_BROKERS: kafka.brokers.join(','), KAFKA_PARTITIONS: '2', ...names }
}

interface Filled {
  readonly dir: string
  readonly acked: readonly AckedEvent[]
  /** What counts as a slow start. */
  readonly slowMs: number
}

/** A folder that a server without Kafka filled until it was killed, and the ids that it acknowledged. */
async function fill(t: Test, events: number): Promise<Filled> {
  const begun = performance.now()
  const server = await startServer(t)
  // The duration of a start on this machine with its current load.
  const slowMs = Math.max(SLOW_START_MS, 2 * (performance.now() - begun))
  const load = startLoad(t, { url: server.url, eventsPerSecond: 1_500 })
  await until(() => load.acked.length >= events, { what: `${events} acknowledged events`, timeoutMs: 30_000 })
  await load.stop()
  await server.kill()
  return { dir: server.dir, acked: load.acked, slowMs }
}

function segmentsOf(dir: string): string[] {
  const folder = join(dir, 'data', 'events')
  const names = readdirSync(folder).filter(name => name.endsWith('.ndjson'))
  return names.sort().map(name => join(folder, name))
}

/** Starts on the folder and relays all of it. Returns the server and the time until it listened. */
async function relay(
  t: Test,
  dir: string,
  env: Record<string, string>
): Promise<{ server: ServerProcess; ms: number }> {
  const server = await createServerProcess(t, { dir, env })
  const begun = performance.now()
  await server.start()
  const ms = performance.now() - begun
  await server.ready()
  await server.drained()
  return { server, ms }
}

t.test(
  'a bit that is flipped at any of 200 offsets costs at most its own line, and the start takes less than 3 s',
  async t => {
    const { dir, acked, slowMs } = await fill(t, 1_000)
    const whole = join(dir, 'whole')
    cpSync(join(dir, 'data'), whole, { recursive: true })
    let slowest = 0
    let lost = 0
    for (let start = 0; start < STARTS; start++) {
      rmSync(join(dir, 'data'), { recursive: true })
      cpSync(whole, join(dir, 'data'), { recursive: true })
      const hit = flipBits(segmentsOf(dir), OFFSETS / STARTS)
      const env = toKafka()
      const { server, ms } = await relay(t, dir, env)
      slowest = Math.max(slowest, ms)
      const records = await readTopic(kafka.brokers, env.EVENTS_TOPIC)
      const stored = new Set(records.map(({ headers }) => headers['messageId']))
      const missing = acked.filter(({ id }) => !stored.has(id) && !hit.has(id))
      t.strictSame(missing, [], `start ${start}: every line that was not hit is delivered`)
      lost += [...hit].filter(id => !stored.has(id)).length
      const strange = records.filter(({ headers, value }) => !idIsWhole(headers['messageId'], value))
      t.strictSame(strange, [], 'start delivers no damaged line')
      t.match(server.stderr, /"offset":\d+/, 'the log names the offset of the skipped bytes')
      t.ok(
        readdirSync(join(dir, 'data', 'events')).some(name => name.endsWith('.damaged')),
        'the skipped bytes are kept in a file'
      )
      await server.kill()
    }
    t.ok(slowest < slowMs, `the slowest start took ${Math.round(slowest)} ms`)
    const verdict = { acked: acked.length, missing: [], duplicates: 0, unasked: 0, outOfOrder: [] }
    tellRow(t, 'bit flips', { verdict, flips: OFFSETS, linesLost: lost, slowest })
  }
)

/** Flips a bit at each of the given number of places. Returns the messageIds of the damaged lines. */
function flipBits(files: readonly string[], flips: number): Set<string> {
  const hit = new Set<string>()
  const contents = files.map(file => readFileSync(file))
  for (let flip = 0; flip < flips; flip++) {
    const at = randomInt(contents.length)
    const content = contents[at] as Buffer
    const offset = randomInt(content.length)
    // A damaged line feed joins two lines; a new one splits a line.
    const original = readFileSync(files[at] as string)
    for (const place of [offset, offset + 1]) {
      const id = idAt(original, Math.min(place, content.length - 1))
      if (id !== undefined) hit.add(id)
    }
    content[offset] = (content[offset] as number) ^ (1 << randomInt(8))
  }
  files.forEach((file, at) => writeFileSync(file, contents[at] as Buffer))
  return hit
}

function idAt(content: Buffer, offset: number): string | undefined {
  const start = offset === 0 ? 0 : content.lastIndexOf('\n', offset - 1) + 1
  const end = content.indexOf('\n', offset)
  const line = content.toString('utf8', start, end < 0 ? content.length : end)
  return /"messageId":"([^"]+)"/.exec(line)?.[1]
}

/** Whether a record is one that the load has sent. */
function idIsWhole(id: string | undefined, value: string): boolean {
  if (id === undefined) return false
  const { messageId, userId, event, properties } = JSON.parse(value) as Record<string, unknown>
  const { sequence, pad } = properties as { sequence: number; pad: string }
  return messageId === id && id === `${String(userId)}-${sequence}` && event === 'Loaded' && /^x{200}$/.test(pad)
}

t.test('a torn tail of any length is cut off: every whole line is delivered and nothing else', async t => {
  const { dir, acked, slowMs } = await fill(t, 300)
  const last = segmentsOf(dir).at(-1) as string
  for (const tear of choose([7], [1, 2, 7, 100, 300, 500, 1_000])) {
    truncateSync(last, readFileSync(last).length - tear)
    const expected = new Set(idsInFolder(join(dir, 'data', 'events')))
    const env = toKafka()
    const { server, ms } = await relay(t, dir, env)
    t.ok(ms < slowMs, `after ${tear} bytes were cut off, the start took ${Math.round(ms)} ms`)
    const stored = (await readTopic(kafka.brokers, env.EVENTS_TOPIC)).map(({ headers }) => headers['messageId'])
    t.strictSame(new Set(stored), expected)
    t.strictSame(stored.length, expected.size, 'no event is stored twice')
    await server.kill()
    rmSync(join(dir, 'data', 'events', 'position.json'), { force: true })
  }
  t.ok(acked.length > idsInFolder(join(dir, 'data', 'events')).length, 'whole lines were cut off')
  const tail = segmentsOf(dir).at(-1) as string
  const before = idsInFolder(join(dir, 'data', 'events')).length
  appendFileSync(tail, '{"type":"track","messageId":"half-writ')
  const env = toKafka()
  await relay(t, dir, env)
  t.equal((await readTopic(kafka.brokers, env.EVENTS_TOPIC)).length, before, 'a half-written record is not delivered')
})

t.test('a server that ran without Kafka relays its old events first when it gets brokers, and keeps them', async t => {
  const { dir, acked } = await fill(t, 3_000)
  const kept = idsInFolder(join(dir, 'data', 'events'))
  const env = toKafka()
  const server = await startServer(t, { dir, env })
  const load = startLoad(t, { url: server.url, eventsPerSecond: 500 })
  await until(() => load.acked.length > 500, { what: 'more than 500 new events' })
  await server.kill()
  await server.start()
  await load.stop()
  await server.drained()
  const verdict = await verify([{ acked }, load], { brokers: kafka.brokers, topic: env.EVENTS_TOPIC })
  assertNothingLost(t, verdict)
  const records = await readTopic(kafka.brokers, env.EVENTS_TOPIC)
  const old = new Set(acked.map(({ id }) => id))
  const isLate = records.filter(({ headers, partition }, at) => {
    const before = records[at - 1]
    return (
      old.has(headers['messageId'] ?? '') &&
      before?.partition === partition &&
      !old.has(before.headers['messageId'] ?? '')
    )
  })
  t.strictSame(isLate, [], 'in each partition the old events come before the new ones')
  t.strictSame(idsInFolder(join(dir, 'data', 'events')), kept, 'the old events are still in the log')
  tellRow(t, 'log given brokers', { verdict })
})

t.test('events that Kafka does not have yet are not deleted, however old they are for LOG_RETENTION', async t => {
  const { dir, acked } = await fill(t, 300)
  for (const file of segmentsOf(dir)) utimesSync(file, LONG_AGO, LONG_AGO)
  const env = toKafka()
  await relay(t, dir, { ...env, LOG_RETENTION: '1h' })
  assertNothingLost(t, await verify([{ acked }], { brokers: kafka.brokers, topic: env.EVENTS_TOPIC }))
})

// The broker's process keeps this process alive, so the test ends it explicitly.
t.end()
