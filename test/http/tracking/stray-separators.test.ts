/**
 * Bodies that real mobile SDKs have sent: commas and NULs between the events of a batch, and an event in another
 * encoding.
 */
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { parseBody } from '../../../src/ingest/parse/body.ts'
import { DEFAULT_LIMITS } from '../../../src/model/limits.ts'
import type { TestApp } from '../../support/app.ts'
import { basic, inject, startApp } from '../../support/app.ts'
import { ask } from '../../support/http.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'

type Json = Record<string, unknown>

const REPAIRED = 'tributary_batch_repaired_total'

function event(messageId: string): string {
  return `{"type":"track","userId":"u","event":"e","messageId":"${messageId}","properties":{"price":1.10,"t":"a,,b"}}`
}

const [A, B] = [event('a'), event('b')]

/** The messageIds of accepted events, in order. */
function acceptedIds({ sink }: TestApp): string[] {
  return sink.records.filter(({ kind }) => kind === 'event').map(({ messageId }) => messageId)
}

async function postBatch(t: Test, server: TestApp, body: string | Buffer) {
  return ask(t, `${server.url}/v1/batch`, { body })
}

const STRAY: readonly [what: string, body: string][] = [
  ['a comma before the first event', `{"batch":[,${A},${B}]}`],
  ['a comma too many between two events', `{"batch":[${A},,${B}]}`],
  ['a comma behind the last event', `{"batch":[${A},${B},]}`],
  ['commas everywhere', `{"batch":[ , ,${A} , ,\n, ${B},,]}`],
  ['NULs where white space may stand', `{"batch":[\0${A}\0,\0\0${B}\0]}`],
  ['NULs and commas, beside members of the envelope', `{"sentAt":null,"batch":[\0,${A},\0,${B}],"context":{}}`],
  ['a byte order mark before it', `\ufeff{"batch":[,${A},${B}]}`],
  ['a batch that is named with an escape', `{"b\\u0061tch":[,${A},${B}]}`]
]

t.test('a batch with stray commas or NULs is accepted as if they were not there, and counted', async t => {
  for (const [index, [what, body]] of STRAY.entries()) {
    const server = await startApp(t)
    const { status, body: answer } = await postBatch(t, server, body)
    t.same([status, answer], [200, { success: true }], `${what}: the batch is accepted`)
    t.same(acceptedIds(server), ['a', 'b'], `${what}: both events are stored, in order`)
    t.ok(
      server.sink.records.every(({ line }) => line.includes('"properties":{"price":1.10,"t":"a,,b"}')),
      'the events are stored byte for byte'
    )
    if (index > 0) continue
    t.equal(sumOf(await readMetrics(server.adminUrl), REPAIRED, { source: 'web' }), 1)
    await postBatch(t, server, `{"batch":[${event('c')}]}`)
    t.equal(sumOf(await readMetrics(server.adminUrl), REPAIRED), 1, 'a batch without stray separators is not counted')
  }
})

t.test('an event that is not JSON does not affect others beside stray commas', async t => {
  const server = await startApp(t)
  const { body } = await postBatch(t, server, `{"batch":[,${A},,{"type":"track","n":NaN,"s":",,"},${B},]}`)
  t.match(body, { accepted: 2, rejected: 1, errors: [{ index: 1, code: 'invalid_json' }] })
  t.same(acceptedIds(server), ['a', 'b'])
  const rejected = server.sink.records.find(({ kind }) => kind === 'rejected')
  t.match(
    JSON.parse(String(rejected?.line)),
    { event: '{"type":"track","n":NaN,"s":",,"}' },
    'the rejected event is stored as it was received'
  )
})

const AMBIGUOUS: readonly [what: string, body: string][] = [
  ['no comma between two events', `{"batch":[${A}${B}]}`],
  ['a NUL in place of a comma', `{"batch":[${A}\0${B}]}`],
  ['a comma inside an event', `{"batch":[${A.replace('"userId"', ',"userId"')},,${B}]`],
  ['a comma between members of the envelope', `{"batch":[${A}],,"context":{}}`],
  ['a comma behind the last member', `{"batch":[${A}],}`],
  ['other control characters', `{"batch":[${A},\x01${B}]}`],
  ['a batch that is cut off', `{"batch":[,${A},${B}`],
  ['two batches', `{"batch":[,${A}],"batch":[${B}]}`],
  ['quotes that do not hold', `{"batch":[,{"a":"x},${A}]}`]
]

t.test('if the meaning of a body is not certain, it is refused as a whole', async t => {
  for (const [what, body] of AMBIGUOUS) {
    const server = await startApp(t)
    const { status, body: answer } = await postBatch(t, server, body)
    t.match([status, answer], [400, { code: 'invalid_json' }], `${what}: the batch is refused`)
    t.same(acceptedIds(server), [], `${what}: no event is stored`)
    t.equal(sumOf(await readMetrics(server.adminUrl), REPAIRED), 0, `${what}: no repair is counted`)
  }
})

t.test('a batch with only commas is empty', async t => {
  const server = await startApp(t)
  t.match(await postBatch(t, server, '{"batch":[,,\0]}'), { status: 400, body: { code: 'empty_batch' } })
})

t.test('VALIDATION=strict refuses what is not JSON or not UTF-8 as a whole', async t => {
  const server = await startApp(t, { env: { VALIDATION: 'strict' } })
  for (const [what, body] of STRAY) {
    t.match(
      await postBatch(t, server, body),
      { status: 400, body: { code: 'invalid_json' } },
      `${what}: the batch is refused`
    )
  }
  const latin1 = Buffer.from(`{"batch":[${A},${event('caf\xe9')}]}`, 'latin1')
  t.match(await postBatch(t, server, latin1), { status: 400, body: { code: 'invalid_utf8' } })
  t.same(acceptedIds(server), [])
})

t.test(
  'an event that is not UTF-8 does not affect others, and is stored as received without its write key',
  async t => {
    const server = await startApp(t)
    const bad = Buffer.from(`{"type":"track","writeKey":"wk_test","userId":"caf\xe9","event":"e"}`, 'latin1')
    const body = Buffer.concat([Buffer.from(`{"batch":[${event('é')},`), bad, Buffer.from(`,${B}]}`)])
    const answer = await postBatch(t, server, body)
    t.match(answer.body, { accepted: 2, rejected: 1, errors: [{ index: 1, messageId: null, code: 'invalid_utf8' }] })
    t.same(acceptedIds(server), ['é', 'b'])
    const rejected = server.sink.records.find(({ kind }) => kind === 'rejected')
    const record = JSON.parse(String(rejected?.line)) as Json
    t.match(record, { encoding: 'base64', code: 'invalid_utf8', source: 'web' })
    const kept = Buffer.from(String(record['event']), 'base64').toString('latin1')
    t.equal(kept, bad.toString('latin1').replace('wk_test', '[write key]'))
  }
)

t.test('a body that is not UTF-8 outside its events is refused as a whole', async t => {
  const cases = [`{"context":{"a":"\xe9"},"batch":[${A}]}`, `{"batch":[${A}],"\xe9":1}`, `{"batch":[${A}\xa0,${B}]}`]
  for (const text of cases) {
    const server = await startApp(t)
    const answer = await postBatch(t, server, Buffer.from(text, 'latin1'))
    t.match([answer.status, answer.body], [400, { code: 'invalid_utf8' }], text)
    t.same(acceptedIds(server), [])
  }
})

/** The contract refuses an event with `__proto__`, and fast-check often generates one. */
const json = fc
  .jsonValue()
  .map(value => JSON.stringify(value))
  .filter(text => !/"(?:__proto__|prototype)"/.test(text))
const payload = fc.oneof(
  json,
  fc.constantFrom('"],[,,"', '"\\u0000,,"', '"{\\"batch\\":[,"', '1.10', '12345678901234567890', '[[],[{}]]', '"é,,😀"')
)
const stray = fc.array(fc.constantFrom(',', '\0', ' ', '\n', ',,', '\t'), { maxLength: 4 }).map(parts => parts.join(''))
const gap = fc.tuple(stray, stray).map(([before, behind]) => `${before},${behind}`)

const damaged = fc.array(payload, { minLength: 1, maxLength: 8 }).chain(payloads =>
  fc.record({
    payloads: fc.constant(payloads),
    first: stray,
    last: stray,
    gaps: fc.array(gap, { minLength: payloads.length, maxLength: payloads.length }),
    /** Which of them holds a byte that is no UTF-8. */
    bad: fc.option(fc.nat(payloads.length - 1), { nil: undefined }),
    byte: fc.constantFrom('\xe9', '\xff', '\xc3', '\xe2\x82', '\xed\xa0\x80')
  })
)

t.test(
  'in any batch with stray separators and a bad byte in one event, all other events are stored byte for byte',
  async t => {
    const server = await startApp(t)
    let run = 0
    await fc.assert(
      fc.asyncProperty(damaged, async ({ payloads, first, last, gaps, bad, byte }) => {
        run++
        server.sink.records.length = 0
        const pieces: Buffer[] = [Buffer.from(`{"batch":[${first}`)]
        for (const [index, properties] of payloads.entries()) {
          const id = `${run}-${index}`
          const head = `{"type":"track","event":"e","messageId":"${id}","properties":{"x":${properties}},"userId":"u`
          pieces.push(Buffer.from(head), Buffer.from(index === bad ? byte : '', 'latin1'), Buffer.from('"}'))
          pieces.push(Buffer.from(index === payloads.length - 1 ? `${last}]}` : (gaps[index] as string)))
        }
        const { statusCode } = await inject(server.app, {
          method: 'POST',
          url: '/v1/batch',
          headers: { authorization: basic() },
          payload: Buffer.concat(pieces)
        })
        t.equal(statusCode, bad === undefined || payloads.length > 1 ? 200 : 400)
        const stored = server.sink.records.filter(({ kind }) => kind === 'event')
        const expected = payloads.flatMap((properties, index) =>
          index === bad ? [] : [[`${run}-${index}`, properties]]
        )
        t.same(
          stored.map(({ messageId }) => messageId),
          expected.map(([id]) => id)
        )
        for (const [index, [, properties]] of expected.entries()) {
          t.ok(
            stored[index]?.line.includes(`"properties":{"x":${properties}}`),
            'the other events are stored byte for byte'
          )
        }
        t.equal(server.sink.records.length - stored.length, bad === undefined ? 0 : 1)
      }),
      { numRuns: 300 }
    )
  }
)

/**
 * The time to read a batch leniently, in milliseconds: the minimum of several, because a busy machine only adds time. Not the
 * CPU time of the process: some kernels count it in ticks of 10 ms, so that a short run takes 0 or 10.
 */
function timeOf(body: string): number {
  const runs = Array.from({ length: 9 }, () => {
    const bytes = Buffer.from(body)
    const started = performance.now()
    parseBody(bytes, { endpoint: 'batch', limits: DEFAULT_LIMITS, isLenient: true })
    return performance.now() - started
  })
  return Math.min(...runs)
}

t.test('a large batch that cannot be read takes no more time than a few valid ones', async t => {
  const size = 480_000
  const good = Array.from({ length: 2_400 }, (_, i) => event(`${i}-${'x'.repeat(80)}`))
  const most = 10 * Math.max(1, timeOf(`{"batch":[${good.join(',')}]}`))
  for (const [what, body] of [
    ['elements without end', `{"batch":[,${'1,'.repeat(size / 2)}]}`],
    ['empty objects without end', `{"batch":[,${'{},'.repeat(size / 3)}]}`],
    ['members without end', `{"a":1${',"k":"v"'.repeat(size / 8)}x`],
    ['batches without end', `{"a":0${',"batch":[,]'.repeat(size / 12)}}`],
    ['commas without end', `{"batch":[${','.repeat(size)}]}`],
    ['brackets without end', `{"batch":[${'['.repeat(size)}`]
  ] as const) {
    const time = timeOf(body)
    t.ok(time < most, `${what}: ${time} ms, and ${most} ms are allowed`)
  }
})
