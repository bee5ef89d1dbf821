/** A bad event of a batch affects no other event, and the answer reports each bad event truly. */
import t from 'tap'
import { MAX_ANSWER_BYTES } from '../../../src/model/limits.ts'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { startApp } from '../../support/app.ts'
import { ask } from '../../support/http.ts'

type Json = Record<string, unknown>

const good = (messageId: string): Json => ({ type: 'track', userId: 'u', event: 'e', messageId })
const batchOf = (events: readonly unknown[]): string => JSON.stringify({ batch: events })

interface ErrorEntry {
  readonly index: number
  readonly messageId: string | null
  readonly code: string
  readonly pointer: string
  readonly message: string
}

t.test('valid events are published, invalid events are rejected with their error, and each is named', async t => {
  const { url, sink } = await startApp(t)
  const { status, body } = await ask(t, `${url}/v1/batch`, {
    body: batchOf([
      good('m0'),
      { ...good('m1'), userId: 5 },
      good('m2'),
      { messageId: 'm3', type: 'nope', userId: 'u' },
      { ...good('m4'), properties: 'text' },
      'a string',
      { ...good('m6'), context: { library: { name: 'lib', version: 1 } }, timestamp: 'yesterday' }
    ])
  })
  t.equal(status, 200)
  t.match(body, { success: true, accepted: 2, duplicates: 0, rejected: 5 })
  const told = body['errors'] as ErrorEntry[]
  t.same(
    told.map(({ index, messageId, code, pointer }) => [index, messageId, code, pointer]),
    [
      [1, 'm1', 'id_not_string', '/userId'],
      [3, 'm3', 'type_invalid', '/type'],
      [4, 'm4', 'properties_not_object', '/properties'],
      [5, null, 'event_not_object', ''],
      [6, 'm6', 'schema_violation', '/context/library/version']
    ]
  )
  for (const { message } of told) t.match(message, /\w/)
  t.notOk('errorsOmitted' in body, 'no error was omitted')

  const records = sink.records.map(record => ({ ...record, value: JSON.parse(record.line.toString()) as Json }))
  t.same(
    records.filter(({ kind }) => kind === 'event').map(({ messageId }) => messageId),
    ['m0', 'm2']
  )
  t.same(
    records.filter(({ kind }) => kind === 'rejected').map(({ value }) => [value['code'], value['pointer']]),
    told.map(({ code, pointer }) => [code, pointer]),
    'the rejected records have the same codes and pointers'
  )
  t.same(
    records.find(({ messageId }) => messageId === 'm1')?.value['event'],
    { ...good('m1'), userId: 5 },
    'the rejected event is stored as it was sent'
  )
})

t.test('a rejected messageId does not block the corrected event', async t => {
  const { url } = await startApp(t)
  t.match((await ask(t, `${url}/v1/batch`, { body: batchOf([{ ...good('x'), event: 5 }]) })).body, {
    accepted: 0,
    rejected: 1
  })
  t.same((await ask(t, `${url}/v1/batch`, { body: batchOf([good('x')]) })).body, { success: true })
})

/** The answer of each mode to a batch with some bad events. */
const STATUSES = [
  [{}, 200],
  [{ VALIDATION: 'strict' }, 400],
  [{ BATCH_PARTIAL_STATUS: '400' }, 400],
  [{ VALIDATION: 'strict', BATCH_PARTIAL_STATUS: '200' }, 200]
] as const

for (const [env, expected] of STATUSES) {
  const name = JSON.stringify(env)
  t.test(`${name}: a partly bad batch is answered ${expected}, and the answer names its bad events`, async t => {
    const { url, sink } = await startApp(t, { env })
    const { status, body } = await ask(t, `${url}/v1/batch`, { body: batchOf([good('m0'), { type: 'track' }]) })
    t.equal(status, expected)
    const counts = { accepted: 1, duplicates: 0, rejected: 1 }
    const errors = [{ index: 1, messageId: null, code: 'no_user_anon_id', pointer: '' }]
    t.match(body, { success: expected === 200, ...counts, errors })
    const more = expected === 200 ? [] : ['message', 'code']
    t.same(Object.keys(body).toSorted(), ['success', ...Object.keys(counts), 'errors', ...more].toSorted())
    t.same(
      sink.records.map(({ kind }) => kind),
      ['event', 'rejected']
    )
  })

  t.test(`${name}: events of a batch that were already durable count as success in a repeated batch`, async t => {
    const { url } = await startApp(t, { env })
    const body = batchOf([good('m0'), good('m1'), { type: 'track' }])
    await ask(t, `${url}/v1/batch`, { body })
    const again = await ask(t, `${url}/v1/batch`, { body })
    t.equal(again.status, expected)
    t.match(again.body, { success: expected === 200, accepted: 0, duplicates: 2, rejected: 1 })
  })

  t.test(`${name}: 400 if no event of a batch is durable, and for a body that is not a batch of events`, async t => {
    const { url } = await startApp(t, { env })
    const all = await ask(t, `${url}/v1/batch`, { body: batchOf([{ type: 'track' }, 5, { userId: 'u' }]) })
    t.equal(all.status, 400)
    t.match(all.body, { success: false, code: 'multi_user_error', accepted: 0, duplicates: 0, rejected: 3 })
    const shared = await ask(t, `${url}/v1/batch`, { body: JSON.stringify({ context: 5, batch: [good('c')] }) })
    t.match([shared.status, shared.body], [400, { success: false, accepted: 0, rejected: 1 }])
    for (const [path, body] of [
      ['/v1/track', '{}'],
      ['/v1/batch', '{"batch":[]}'],
      ['/v1/batch', '{"batch":5}'],
      ['/v1/batch', '[']
    ] as const) {
      t.match(await ask(t, url + path, { body }), { status: 400, body: { success: false } }, `${path} refuses ${body}`)
    }
  })
}

t.test('if events cannot be stored, an invalid event does not matter: 503, and the batch must come again', async t => {
  const { url, sink } = await startApp(t)
  sink.failure = new SinkUnavailable('the disk is full')
  const { status, body } = await ask(t, `${url}/v1/batch`, { body: batchOf([good('m0'), { type: 'track' }]) })
  t.match([status, body], [503, { success: false, code: 'unavailable' }])
})

t.test('at most 100 events are named, and the rest are counted', async t => {
  const { url } = await startApp(t)
  for (const [count, omitted] of [
    [99, undefined],
    [100, undefined],
    [101, 1],
    [2_500, 2_400]
  ] as const) {
    const { body } = await ask(t, `${url}/v1/batch`, {
      body: batchOf(Array.from({ length: count }, () => ({ type: 'track' })))
    })
    t.equal(body['rejected'], count)
    t.equal((body['errors'] as ErrorEntry[]).length, Math.min(count, 100))
    t.equal(body['errorsOmitted'], omitted)
  }
})

t.test('no hostile batch makes the answer larger than 64 KB, and its content is still true', async t => {
  const { url } = await startApp(t, { env: { MAX_BATCH_BYTES: '8MiB', MAX_PUBLISH_BYTES: '64MiB' } })
  const long = (unit: string): string => unit.repeat(Math.floor(30_000 / Buffer.byteLength(JSON.stringify(unit))))
  const units = ['x', '\u0000', '"', '\\', '\u2028', 'é', '😀', '\ud83d', '/', '~', '%']
  const faults: ((text: string) => Json)[] = [
    text => ({ type: 'track', messageId: text, userId: 'u', event: 'e' }),
    text => ({ type: 'track', userId: 'u', event: 'e', integrations: { [text]: 'no' } }),
    text => ({ type: text, messageId: 'm' }),
    text => ({ type: 'track', userId: 'u', event: 'e', timestamp: text }),
    text => ({ type: 'page', userId: 'u', context: { page: { [text]: 1, title: 7 } } })
  ]
  for (const unit of units) {
    for (const make of faults) {
      const events = Array.from({ length: 110 }, () => make(long(unit)))
      const { status, text, body } = await ask(t, `${url}/v1/batch`, { body: batchOf(events) })
      t.equal(status, 400)
      t.ok(Buffer.byteLength(text) < MAX_ANSWER_BYTES, `the answer has ${Buffer.byteLength(text)} bytes`)
      const told = body['errors'] as ErrorEntry[]
      t.equal(told.length + ((body['errorsOmitted'] as number | undefined) ?? 0), 110)
      t.ok(told.length > 0, 'at least one event is listed')
    }
  }
})

t.test('a raw duplicate key as long as an event is not repeated in the answer', async t => {
  const { url } = await startApp(t)
  const key = 'k'.repeat(10_000)
  const answer = await ask(t, `${url}/v1/track`, { body: `{"userId":"u","event":"e","${key}":1,"${key}":2}` })
  t.equal(answer.body['code'], 'duplicate_key')
  t.ok(answer.text.length < 1_000)
})

t.test('a fault of the shared members of a batch is a fault of each of its events', async t => {
  const { url, sink } = await startApp(t)
  const body = JSON.stringify({ context: 'text', batch: [good('a'), { ...good('b'), userId: 5 }] })
  const answer = await ask(t, `${url}/v1/batch`, { body })
  t.equal(answer.status, 400)
  t.match(answer.body, { accepted: 0, rejected: 2 })
  t.same(
    (answer.body['errors'] as ErrorEntry[]).map(({ index, code }) => [index, code]),
    [
      [0, 'context_not_object'],
      [1, 'id_not_string']
    ]
  )
  t.same(
    sink.records.map(({ kind }) => kind),
    ['rejected', 'rejected']
  )
})

t.test('an array of arrays is refused as text, so that a consumer need not parse it', async t => {
  const { url, sink } = await startApp(t)
  const deep = '['.repeat(10_000) + ']'.repeat(10_000)
  const answer = await ask(t, `${url}/v1/batch`, {
    body: `{"batch":[${deep},{"type":"track","userId":"u","event":"e"}]}`
  })
  t.match(answer.body, { accepted: 1, rejected: 1, errors: [{ index: 0, code: 'too_deep' }] })
  const rejected = sink.records.find(({ kind }) => kind === 'rejected')
  t.type((JSON.parse(rejected!.line.toString()) as Json)['event'], 'string')
})
