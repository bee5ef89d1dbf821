/** The PySpark program of docs/reading.md, unchanged but for the address, run twice on the topic of a real server. */
import t from 'tap'
import { ownFolder } from '../support/own-folder.ts'
import { ORDERS, startEventTopic, TOPIC } from '../support/reading/event-topic.ts'
import { orderOf } from '../support/reading/log.ts'
import { blocksOf, promisedBy, type Row } from '../support/reading/readers.ts'
import { runSpark } from '../support/reading/spark.ts'

const topic = await startEventTopic(t)
const dir = ownFolder(t)
const [page = ''] = blocksOf('Apache Spark', 'python')
const program = page.replace('localhost:9092', topic.brokers.join())
const COLUMNS = "'partition', 'offset', 'source', 'user_key', 'message_id', 'received_at', 'line'"
const EVENTS = `spark.read.parquet('spark/events').select(${COLUMNS}).orderBy('partition', 'offset')`
await runSpark(dir, program, [])
const stored = await topic.complete()
/** The copies are received later than their events, but have an id that the first run has written. */
const [once = [], rows = []] = await runSpark(dir, program, [EVENTS, 'orders'])
/** A time as Python writes it. */
const textOf = (timestamp: number): string => {
  const text = new Date(timestamp).toISOString().replace('T', ' ').slice(0, -1)
  return text.endsWith('.000') ? text.slice(0, -4) : `${text}000`
}

t.test(
  'the program of the page, run twice, has each event once, byte for byte: the first copy, and one that is late by a day',
  async t => {
    t.equal(TOPIC, 'tributary.events')
    const firstCopies = new Map(stored.toReversed().map(record => [record.headers['messageId'], record]))
    const expected = stored
      .filter(record => firstCopies.get(record.headers['messageId']) === record)
      .map(({ partition, offset, key, headers, timestamp, value }) => [
        String(partition),
        offset,
        headers['source'],
        key,
        headers['messageId'],
        textOf(timestamp),
        value
      ])
    t.strictSame(once, expected)
  }
)

t.test('the query of the page reads every order as the table of the page says', async t => {
  const [integer, price] = promisedBy('Spark')
  t.strictSame([integer, price], ['exact', '1.1'])
  const byId = (a: readonly (string | null)[], b: readonly (string | null)[]): number =>
    (a[0] ?? '') < (b[0] ?? '') ? -1 : 1
  const expected = Array.from({ length: ORDERS }, (_, index): Row => {
    const { id, orderId, price: sent } = orderOf(index, ORDERS)
    const read = sent === '1.10' ? price : sent?.replaceAll('"', '')
    return [id, orderId?.replaceAll('"', '') ?? null, read ?? null]
  })
  t.strictSame(rows.toSorted(byId), expected)
})
