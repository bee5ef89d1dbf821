/** The Flink SQL of docs/reading.md, unchanged but for the address, run by Flink on the records of a real server. */
import t from 'tap'
import { topicOffsets } from '../support/kafka.ts'
import { ownFolder } from '../support/own-folder.ts'
import { runFlink } from '../support/reading/flink.ts'
import { EVENTS, ORDERS, startEventTopic, TOPIC, TWINS } from '../support/reading/event-topic.ts'
import { orderOf } from '../support/reading/log.ts'
import { blocksOf, type Row } from '../support/reading/readers.ts'

/** A time as Flink casts it to text in UTC. */
const textOf = (timestamp: number): string => new Date(timestamp).toISOString().replace('T', ' ').slice(0, -1)
const topic = await startEventTopic(t)
const stored = await topic.complete()
const page = blocksOf('Apache Flink', 'sql').map(text => text.replace('localhost:9092', topic.brokers.join()))
const places = 'select `partition`, `offset`, user_key, message_id, cast(received_at as string), line from events;\n'
const ids = 'select message_id, cast(received_at as string) from events_once;\n'
const [rows = [], placed = [], once = []] = await runFlink(
  ownFolder(t),
  [...page, places, ids],
  [ORDERS, EVENTS + TWINS, EVENTS]
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
  for (const { partition, low, high } of await topicOffsets(topic.brokers, TOPIC)) {
    const own = placed.filter(([, place]) => place === String(partition))
    t.equal(own.length, high - low, `partition ${partition}`)
  }
})
