/** The Flink SQL of docs/reading.md, unchanged but for the address, run by Flink on the records of a real server. */
import t from 'tap'
import { produceValues, readTopic, startKafka, topicOffsets } from '../support/kafka.ts'
import { ownFolder } from '../support/own-folder.ts'
import { runFlink } from '../support/reading/flink.ts'
import { orderOf, sendHard, sendOrders } from '../support/reading/log.ts'
import { blocksOf, type Row } from '../support/reading/readers.ts'
import { startServer } from '../support/server-process.ts'

/** A time as Flink casts it to text in UTC. */
const textOf = (timestamp: number): string => new Date(timestamp).toISOString().replace('T', ' ').slice(0, -1)
const TOPIC = 'tributary.events'
const ORDERS = 1_700
/** How many of them are sent before the copies. */
const HALF = 800
const TWINS = 40
const PATIENCE_MS = 60_000
/** Events whose ids or values a reader may make something else of. */
const HARD = [
  ['007', '{"id":12345678901234567890,"price":1.10,"huge":1e400,"a.b":2,"a":{"b":1},"":3,"n":null,"e":{}}'],
  ['null', '{"text":"\\u0000 and \\ud800 and \u{1f600}","Plan":1,"plan":2}'],
  ['2026-11-28', '{}']
] as const

const kafka = await startKafka({})
t.teardown(() => kafka.stop())
const env = { KAFKA_BROKERS: kafka.brokers.join(), KAFKA_REPLICATION_FACTOR: '1', KAFKA_PARTITIONS: '3' }
const server = await startServer(t, { env })
await sendHard(server.url, '00042', HARD)
const all = ORDERS + HARD.length
await sendOrders(server.url, 0, HALF, ORDERS)
const first = await readTopic(kafka.brokers, TOPIC, { count: HALF + HARD.length, timeoutMs: PATIENCE_MS })
/** The copies that at-least-once delivery may leave: the same event again, received later, with other events behind it. */
const twins = first
  .slice(0, TWINS)
  .map(record => ({ ...record, key: record.key ?? '', timestamp: String(record.timestamp + 60_000) }))
await produceValues(kafka.brokers, TOPIC, twins)
await sendOrders(server.url, HALF, ORDERS, ORDERS)
const stored = await readTopic(kafka.brokers, TOPIC, { count: all + TWINS, timeoutMs: PATIENCE_MS })
const page = blocksOf('Apache Flink', 'sql').map(text => text.replace('localhost:9092', kafka.brokers.join()))
const places = 'select `partition`, `offset`, user_key, message_id, cast(received_at as string), line from events;\n'
const ids = 'select message_id, cast(received_at as string) from events_once;\n'
const [rows = [], placed = [], once = []] = await runFlink(
  ownFolder(t),
  [...page, places, ids],
  [ORDERS, all + TWINS, all]
)

t.test('the table of the page has key, id, time and line of each record, byte for byte', async t => {
  const byPlace = (a: readonly (string | null)[], b: readonly (string | null)[]): number =>
    Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1])
  const expected = stored.map(({ partition, offset, key, headers, timestamp, value }) => [
    String(partition),
    offset,
    key,
    headers['messageId'],
    textOf(timestamp),
    value
  ])
  t.strictSame(placed.map(([, ...cells]) => cells).toSorted(byPlace), expected)
})

t.test('the view of the page has each event once, and its first copy, as rows that are only inserted', async t => {
  t.ok(once.every(([kind]) => kind === '+I'))
  const seen = once.map(([, id, at]) => `${id} ${at}`).toSorted()
  // The copies are behind their events in the same partition, so the last entry of the reversed list is the first copy.
  const times = new Map(stored.toReversed().map(({ headers, timestamp }) => [headers['messageId'], textOf(timestamp)]))
  const expected = [...times].map(([id, at]) => `${id} ${at}`).toSorted()
  t.strictSame(seen, expected)
})

t.test('the query of the page reads every order with the digits that were sent', async t => {
  const byId = (a: readonly (string | null)[], b: readonly (string | null)[]): number =>
    (a[0] ?? '') < (b[0] ?? '') ? -1 : 1
  const expected = Array.from({ length: ORDERS }, (_, index): Row => {
    const { id, orderId, price } = orderOf(index, ORDERS)
    return [id, orderId?.replaceAll('"', '') ?? null, price?.replaceAll('"', '') ?? null]
  })
  t.strictSame(rows.map(([, ...cells]) => cells).toSorted(byId), expected)
})

t.test('no partition of the topic has a gap in its offsets', async t => {
  for (const { partition, low, high } of await topicOffsets(kafka.brokers, TOPIC)) {
    const own = placed.filter(([, place]) => place === String(partition))
    t.equal(own.length, high - low, `partition ${partition}`)
  }
})
