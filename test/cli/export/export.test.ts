/** What `tributary export` writes, read by DuckDB; `READERS=all` (npm run test:readers) adds PyArrow, Polars, pandas and ClickHouse. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { segmentFiles } from '../../support/event-log.ts'
import { duckDb, tableReaders } from '../../support/reading/exported.ts'
import type { Order } from '../../support/reading/log.ts'
import { orderOf, sendOrders, tearLastLine } from '../../support/reading/log.ts'
import { blocksOf } from '../../support/reading/readers.ts'
import { AUTHORIZATION, startServer } from '../../support/server-process.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

const EVENTS = 3_200
const PLAN = `id: shop
name: Shop
rules:
  - type: track
    event: Order Completed
    schema:
      type: object
      properties:
        properties:
          type: object
          properties:
            order_id: { type: integer }
            price: { type: [number, 'null'] }
            note: { type: string }
            a.b: { type: integer }
`

const HEADING = 'Tables: `tributary export`'
const COMMANDS = (blocksOf(HEADING, 'sh')[0] ?? '').split('\n')

/** The arguments of the command of docs/reading.md that writes to this folder. */
function asInDocs(out: string): string[] {
  const [, args] =
    COMMANDS.map(line => /^npx tributary export (.*)$/.exec(line) ?? []).find(([, found]) =>
      found?.startsWith(`--out ${out}`)
    ) ?? []
  if (args === undefined) throw new Error(`docs/reading.md has no export to ${out}`)
  return args.split(' ')
}

const tributary = (cwd: string, ...args: string[]): Promise<Finished> =>
  run(process.execPath, [MAIN, 'export', ...args], { cwd })

/** The value of a decimal column for a number in the form in which it was sent; null for any other value. */
function decimal(spelled: string | undefined): string | null {
  return spelled === undefined || spelled.startsWith('"') ? null : shortest(spelled)
}

function shortest(digits: string | null | undefined): string | null {
  return digits?.includes('.') === true ? digits.replace(/\.?0+$/, '') : (digits ?? null)
}

/** The number as it is spelled in the JSON text of the properties. */
function spelledIn(json: string | null | undefined, key: string): string | undefined {
  return json === null ? undefined : new RegExp(`"${key}":("[^"]*"|[-+.0-9eE]+)`).exec(json ?? '')?.[1]
}

const all = Array.from({ length: EVENTS }, (_, index) => orderOf(index, EVENTS))
const byId = (orders: readonly Order[]): Order[] => orders.toSorted((a, b) => (a.id < b.id ? -1 : 1))

t.test('tables contain every event once with exact numbers, after a crash and while the server writes', async t => {
  const server = await startServer(t)
  const { dir } = server
  mkdirSync(join(dir, 'plans'))
  writeFileSync(join(dir, 'plans', 'shop.yml'), PLAN)
  await sendOrders(server.url, 0, EVENTS, EVENTS)
  await server.kill()
  tearLastLine(server.dataDir)
  const lines = segmentFiles(join(server.dataDir, 'events'))
    .map(file => readFileSync(join(server.dataDir, 'events', file), 'utf8'))
    .join('')
    .split('\n')
    .slice(0, -1)

  const typed = await tributary(dir, ...asInDocs('shop'), '--rows', '1000')
  t.equal(typed.code, 0, typed.stderr)
  const unfit =
    all.filter(order => order.orderId?.startsWith('"')).length + all.filter(order => order.price === '"twelve"').length
  t.equal(
    typed.stdout,
    `${EVENTS} rows written to shop, 0 records are no events; ${unfit} values do not fit the plan's types: read them in the JSON text\n`
  )
  t.match(typed.stderr, / 100 % {2}3200 records/)
  const table = join(dir, 'shop', 'track_order_completed')
  t.ok(readdirSync(table).length > 1, 'the table has several files')
  const columns = [
    'message_id',
    'properties',
    'properties_order_id',
    'properties_price',
    'properties_note',
    'properties_a_b'
  ]
  for (const reader of tableReaders()) {
    const rows = await reader.read(table, columns)
    const found = rows.map(([id, json, orderId, price, note, dotted]) => [
      { id, orderId: spelledIn(json, 'order_id'), price: spelledIn(json, 'price') },
      [shortest(orderId), shortest(price), note === null, dotted]
    ])
    const expected = byId(all).map(order => {
      const isBare = order.orderId === undefined
      return [{ ...order }, [decimal(order.orderId), decimal(order.price), isBare, isBare ? null : '1']]
    })
    t.strictSame(found, expected, `${reader.name} reads equal names, bytes and decimals`)
  }
  const types = await duckDb(dir, "select column_name || ' ' || column_type from (describe from 'shop/*/*.parquet')")
  t.match(
    types.flat().join(),
    /message_id VARCHAR.*received_at TIMESTAMP WITH TIME ZONE.*properties VARCHAR.*properties_order_id DECIMAL\(38,0\),properties_price DECIMAL\(38,18\)/
  )

  const [sql = ''] = blocksOf(HEADING, 'sql')
  t.equal((await duckDb(dir, sql)).length, EVENTS, 'the query of docs/reading.md finds every event')

  await t.test('the events are exported as they were stored, gzipped', async t => {
    const { code, stderr } = await tributary(dir, ...asInDocs('backup'), '--rows', '1000')
    t.equal(code, 0, stderr)
    const raw = readdirSync(join(dir, 'backup', 'events')).map(file =>
      gunzipSync(readFileSync(join(dir, 'backup', 'events', file))).toString()
    )
    t.ok(raw.length > 1)
    t.strictSame(raw.join('').split('\n').slice(0, -1), lines, 'the exported bytes equal the stored bytes')
  })

  await t.test('CSV keeps each value as it was spelled', async t => {
    const { code, stderr } = await tributary(
      dir,
      '--out',
      'csv',
      '--format',
      'csv',
      '--by-event',
      '--plan',
      'plans/shop.yml'
    )
    t.equal(code, 0, stderr)
    const sql = `select message_id, properties, properties_order_id, properties_price, properties_note
      from read_csv('csv/*/*.csv', all_varchar = true, allow_quoted_nulls = false) order by 1`
    const rows = (await duckDb(dir, sql)) as [string, string | null, string | null, string | null, string | null][]
    const cell = (spelled: string | undefined): string | null =>
      spelled === undefined ? null : spelled.replaceAll('"', '')
    t.strictSame(
      rows.map(([id, json, orderId, price]) => [id, spelledIn(json, 'order_id'), orderId, price]),
      byId(all).map(({ id, orderId, price }) => [id, orderId, cell(orderId), cell(price)])
    )
    t.equal(rows.find(([, , , , note]) => note !== null)?.[4], 'line\nbreak "quoted" \u00e9 \u{1f600}, a;b')
  })

  await server.start()
  let sent = EVENTS
  let isStopped = false
  const writing = (async () => {
    for (; !isStopped && sent < 100_000; sent += 100) await sendOrders(server.url, sent, sent + 100, 100_000)
  })()
  for (let round = 0; round < 3; round++) {
    const { code, stderr } = await tributary(dir, ...asInDocs('warehouse'), '--rows', '500')
    t.equal(code, 0, stderr)
  }
  isStopped = true
  await writing
  const last = await tributary(dir, ...asInDocs('warehouse'), '--rows', '500', '--json')
  t.match(JSON.parse(last.stdout), { out: 'warehouse', total: sent, unreadable: 0, unfit: 0 })
  const [counts] = await duckDb(dir, "select count(*), count(distinct message_id) from 'warehouse/events/*.parquet'")
  t.strictSame(counts, [sent, sent], 'four runs together export every event once')
})

t.test('values that other readers cannot read are exported as they were sent', async t => {
  const server = await startServer(t)
  const bodies = [
    '{"userId":"u","event":"a","messageId":"m1","properties":{"n":1e400,"":1,"Plan":1,"plan":2},"extra":{"b":1.10}}',
    '{"userId":"\\ud800x","event":"\\u0000","messageId":"m2","properties":{"t":"\\u0000\\ud800"}}',
    '{"userId":"","anonymousId":"a","event":"注文 \u{1f600}","messageId":"m3","timestamp":"2026-01-02t03:04:05.123456789z"}'
  ]
  for (const body of bodies) {
    const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
    const answer = await fetch(`${server.url}/v1/track`, { method: 'POST', headers, body })
    t.equal(answer.status, 200, await answer.text())
  }
  const { dir } = server
  const done = await tributary(dir, '--out', 'odd', '--by-event')
  t.equal(done.code, 0, done.stderr)
  t.strictSame(
    readdirSync(join(dir, 'odd'))
      .filter(name => name.startsWith('track'))
      .toSorted(),
    ['track', 'track_a', 'track_注文'],
    'each event has its own table name'
  )
  const sql = `select message_id, user_id, event, properties, other, timestamp::varchar, original_timestamp
    from read_parquet('odd/*/*.parquet') order by 1`
  const [one, two, three] = await duckDb(dir, sql)
  t.strictSame(one?.slice(1, 5), ['u', 'a', '{"n":1e400,"":1,"Plan":1,"plan":2}', '{"extra":{"b":1.10}}'])
  t.strictSame(
    two?.slice(1, 4),
    ['\\ud800x', '\\u0000', '{"t":"\\u0000\\ud800"}'],
    'the values are written with escapes'
  )
  t.match(three?.slice(1), [
    '',
    '注文 \u{1f600}',
    null,
    null,
    /^2026-01-02 03:04:05\.123456/,
    '2026-01-02t03:04:05.123456789z'
  ])
})
