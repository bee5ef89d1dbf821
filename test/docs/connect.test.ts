/**
 * The recipes for Kafka Connect of docs/reading.md, unchanged but for addresses, run by Connect itself on the records of a
 * real server. `npm test` runs the file sink, `npm run test:readers` also the JDBC sink, which is killed in between.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { createConnect } from '../support/kafka-connect.ts'
import { readTopic, startKafka } from '../support/kafka.ts'
import { ownFolder } from '../support/own-folder.ts'
import { orderOf, sendHard, sendOrders } from '../support/reading/log.ts'
import { rowsOf, startPostgres } from '../support/reading/postgres.ts'
import { blocksOf, runIn } from '../support/reading/readers.ts'
import type { Row } from '../support/reading/readers.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const isLong = process.env['READERS'] === 'all'
const TOPIC = 'tributary.events'
const ORDERS = isLong ? 20_000 : 1_700
const PATIENCE_MS = 90_000
const [worker = '', fileSink = '', jdbcSink = ''] = blocksOf('Kafka Connect', 'properties')
/** What the page warns of: the same file sink, with the converter that most recipes name. */
const jsonSink = `${fileSink.replace('events-file', 'events-json').replace('events.ndjson', 'events.maps')}
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
`
/** Events of whose ids, values or size a sink may make something else. */
const HARD = [
  ['007', '{"id":12345678901234567890,"price":1.10,"huge":1e400,"a.b":2,"a":{"b":1},"":3,"n":null,"e":{}}'],
  ['null', '{"text":"\\u0000 and \\ud800"}'],
  ['1,2', `{"deep":${'['.repeat(60)}${']'.repeat(60)},"text":"${'x'.repeat(31_000)}"}`],
  ['2026-11-28', '[]']
] as const
const EVENTS = ORDERS + HARD.length

const kafka = await startKafka({})
t.teardown(() => kafka.stop())
const env = { KAFKA_BROKERS: kafka.brokers.join(), KAFKA_REPLICATION_FACTOR: '1', KAFKA_PARTITIONS: '3' }
const server = await startServer(t, { env })

await sendHard(server.url, '42 x', HARD)
await sendOrders(server.url, 0, ORDERS, ORDERS)
const records = await readTopic(kafka.brokers, TOPIC, { count: EVENTS, timeoutMs: PATIENCE_MS })

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}

t.test('the file sink of the page writes each event once, byte for byte and in the order of its partition', async t => {
  const dir = ownFolder(t)
  const start = await createConnect(t, { brokers: kafka.brokers, dir, worker, connectors: [fileSink, jsonSink] })
  const connect = await start()
  const [lines, maps] = [join(dir, 'events.ndjson'), join(dir, 'events.maps')]
  const isDone = (): boolean => linesOf(lines).length >= EVENTS && linesOf(maps).length >= EVENTS
  const seen = (): string => readFileSync(join(dir, 'broker.log'), 'utf8').slice(-2_000)
  await until(isDone, { what: 'the file sinks', timeoutMs: PATIENCE_MS, seen })
  await connect.kill('SIGTERM')

  const written = linesOf(lines)
  t.equal(written.length, records.length)
  const sent = Map.groupBy(records, ({ partition }) => partition)
  for (const [partition, own] of sent) {
    const values = own.map(({ value }) => value)
    const known = new Set(values)
    const same = written.filter(line => known.has(line))
    t.strictSame(same, values, `partition ${partition}`)
  }
  const map = linesOf(maps).find(line => line.includes('messageId=007')) ?? ''
  t.match(map, /\bid=-6101065172474983726\b/, 'JsonConverter makes the other number of which the page warns')
  t.match(map, /\bprice=1\.1\b.*\bhuge=Infinity\b|\bhuge=Infinity\b.*\bprice=1\.1\b/, 'and these')
})

/** The JDBC sink with the address of a PostgreSQL of the test. */
function sinkTo(port: string): string {
  const address = jdbcSink.replace('localhost:5432', `127.0.0.1:${port}`)
  return address.replace('connection.username=connect', 'connection.username=postgres')
}

async function jdbcTest(t: Test): Promise<void> {
  const dir = ownFolder(t)
  const { bin, env } = await startPostgres(t)
  await runIn(dir, join(bin, 'createdb'), ['warehouse'], env)
  const sql = (text: string): Promise<string> =>
    runIn(dir, join(bin, 'psql'), ['-q', '--csv', '-v', 'ON_ERROR_STOP=1', '-c', text, 'warehouse'], env)
  const stored = async (): Promise<number> =>
    sql('select count(*) from events').then(
      csv => Number(csv.trim().split('\n').at(-1)),
      () => 0
    )
  mkdirSync(join(dir, 'connect'))
  const connectors = [sinkTo(env.PGPORT)]
  const start = await createConnect(t, { brokers: kafka.brokers, dir: join(dir, 'connect'), worker, connectors })
  const first = await start()
  const seen = (): string => readFileSync(join(dir, 'connect', 'broker.log'), 'utf8').slice(-2_000)
  const wait = { timeoutMs: PATIENCE_MS, seen }
  await until(async () => (await stored()) > 0, { what: 'the first rows', ...wait })
  await first.kill('SIGKILL')
  t.comment(`killed at ${await stored()} of ${EVENTS} rows`)
  await start()
  await until(async () => (await stored()) >= EVENTS, { what: 'all rows', ...wait })

  const [query = ''] = blocksOf('Kafka Connect', 'sql')
  const byId = (rows: readonly Row[]): Row[] => rows.toSorted(([a], [b]) => (a < b ? -1 : 1))
  const rows = rowsOf(await sql(query))
  const expected = Array.from({ length: ORDERS }, (_, index): Row => {
    const { id, orderId, price } = orderOf(index, ORDERS)
    return [id, orderId?.replaceAll('"', '') ?? null, price?.replaceAll('"', '') ?? null]
  })
  t.strictSame(byId(rows), expected, 'every order once, with its numbers')
  const places = await sql('select line from events order by __connect_partition, __connect_offset')
  const unquoted = places
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.slice(1, -1).replaceAll('""', '"'))
  t.strictSame(
    unquoted,
    records.map(({ value }) => value),
    'every event, byte for byte'
  )
}

if (isLong) t.test('the JDBC sink of the page has every event once, after kill -9 too', jdbcTest)
