/**
 * Each command of docs/reading.md, unchanged, returns every event of the log with its numbers. `npm test` runs the
 * readers that need little: DuckDB, Python and jq. `npm run test:readers` runs all of them.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { HARD_VALUES } from '../../src/model/reading/hard-values.ts'
import { startServer } from '../support/server-process.ts'
import { orderOf, sendOrders, tearLastLine } from '../support/reading/log.ts'
import type { Order } from '../support/reading/log.ts'
import { postgresReader } from '../support/reading/postgres.ts'
import { clickHouseReader, duckDbReader, jqReader, promisedBy, pythonReader } from '../support/reading/readers.ts'
import type { Reader, Row } from '../support/reading/readers.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const LIGHT = join(REPOSITORY, '.cache', 'venv', 'bin', 'python')
const ALL = join(REPOSITORY, '.cache', 'readers', 'bin', 'python')
const EVENTS = 3_200
/** The events that are sent while a reader reads. */
const MORE = 100_000

async function readersFor(t: Test): Promise<readonly Reader[]> {
  const light = [duckDbReader(LIGHT), pythonReader('Python', LIGHT, 'orders'), jqReader()]
  if (process.env['READERS'] !== 'all') return light
  return [
    ...light,
    clickHouseReader(ALL),
    pythonReader('Polars', ALL, 'orders.rows()'),
    pythonReader('pandas', ALL, 'orders.values.tolist()'),
    pythonReader('PyArrow', ALL, '[list(row.values()) for row in orders.to_pylist()]'),
    await postgresReader(t)
  ]
}

/** The value that the page promises for a reader; null if the event has none. */
function promised(spelled: string | undefined, asWritten: boolean, isRounded: boolean): string | null {
  if (spelled === undefined) return null
  if (spelled.startsWith('"')) return JSON.parse(spelled) as string
  if (isRounded) return String(Number(spelled))
  return asWritten ? spelled : spelled.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
}

function expectedOf({ id, orderId, price }: Order, reader: string): Row {
  const [integer, decimal] = promisedBy(reader)
  const isRounded = integer !== 'exact'
  return [id, promised(orderId, true, isRounded), promised(price, decimal === 'exact', isRounded)]
}

/** Numbers that a reader may spell in several ways are compared after rounding like the reader's. */
function compared([id, orderId, price]: Row, reader: string): Row {
  if (promisedBy(reader)[0] === 'exact') return [id, orderId, price]
  const asNumber = (text: string | null): string | null =>
    text !== null && /^[-+.0-9eE]+$/.test(text) ? String(Number(text)) : text
  return [id, asNumber(orderId), asNumber(price)]
}

const byId = (rows: readonly Row[]): Row[] => rows.toSorted(([a], [b]) => (a < b ? -1 : 1))

t.test('every reader of the page reads each event once, after a crash and while the server writes', async t => {
  const server = await startServer(t)
  const readers = await readersFor(t)
  await sendOrders(server.url, 0, EVENTS, EVENTS)
  await server.kill()
  tearLastLine(server.dataDir)
  const orders = Array.from({ length: EVENTS }, (_, index) => orderOf(index, EVENTS))
  for (const reader of readers) {
    const rows = (await reader.read(server.dir)).map(row => compared(row, reader.name))
    const expected = orders.map(order => expectedOf(order, reader.name))
    t.equal(rows.length, EVENTS, `${reader.name} skips only the torn line`)
    t.strictSame(byId(rows), expected, `${reader.name} reads equal names and numbers`)
  }

  await server.start()
  let sent = EVENTS
  let stopped = false
  const writing = (async () => {
    for (; !stopped && sent < MORE; sent += 100) await sendOrders(server.url, sent, sent + 100, MORE)
  })()
  for (const reader of readers) {
    const before = sent
    const rows = (await reader.read(server.dir)).map(row => compared(row, reader.name))
    const known = new Map(rows.map(row => [row[0], row]))
    t.equal(known.size, rows.length, `${reader.name} reads no event twice`)
    const lost = Array.from({ length: before }, (_, index) => index).filter(index => {
      const order = orderOf(index, index < EVENTS ? EVENTS : MORE)
      return JSON.stringify(known.get(order.id)) !== JSON.stringify(expectedOf(order, reader.name))
    })
    t.strictSame(lost, [], `${reader.name} reads all ${before} events that were answered before it began`)
  }
  stopped = true
  await writing
})

t.test('the page names every value that readers cannot read, with the name that doctor uses', async t => {
  const page = readFileSync(join(REPOSITORY, 'docs', 'reading.md'), 'utf8')
  for (const kind of Object.keys(HARD_VALUES)) t.match(page, `\`${kind}\``)
})
