import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rejection } from '../../../src/cli/rejected/rejected.ts'
import { salvage } from '../../../src/cli/rejected/rejected-salvage.ts'
import { post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

type Json = Record<string, unknown>

const config = 'sources: [{ id: web, writeKeys: [wk_test] }]'

const event = (id: string, more = ''): string => `{"type":"track","userId":"u","event":"e","messageId":"${id}"${more}}`

/** The record of a body in the form in which it is stored. */
function kept(body: string | Buffer, more: Partial<Rejection> = {}): Rejection {
  const rest = { source: 'web', type: 'unknown', path: '/v1/batch', code: 'invalid_json', pointer: '', message: '' }
  const library = { name: null, version: null }
  const text = Buffer.from(body).toString('base64')
  const record = { kind: 'body', body: text, encoding: 'base64', complete: true, ...rest, library } as const
  return { ...record, receivedAt: '2026-11-23T12:00:00.000Z', json: '', ...more }
}

function idsOf(record: Rejection): unknown[] {
  return salvage(record).events.map(one => (one.event as Json)['messageId'])
}

t.test('every whole event of a batch is extracted, whatever comes between, after or beside the events', async t => {
  const [a, b] = [event('a'), event('b')]
  const cases: readonly [body: string | Buffer, ids: string[], broken: number][] = [
    [`{"batch":[${a},${b}`, ['a', 'b'], 1],
    [`{"batch":[${a},{"type":"tr`, ['a'], 1],
    [`{"batch":[${a},"text`, ['a'], 1],
    [`{"batch":[${a}${b}]}`, ['a', 'b'], 0],
    [`{"batch":[,${a}\0,,\0${b},]}}`, ['a', 'b'], 0],
    [`{"batch":[${a},{"n":NaN},5,${b}]}`, ['a', 'b'], 2],
    [`{"batch":[${a}],"batch":[${b}]}`, ['a', 'b'], 0],
    [`{"batch":[${a},{"a":1,"a":2},${b}],"sentAt":NaN}`, ['a', 'b'], 1],
    [Buffer.from(`\ufeff{"batch":[${a},${b}],"x":"\xe9"}`, 'utf8'), ['a', 'b'], 0],
    [Buffer.from(`{"batch":[${a},${event('caf\xe9')},${b}]`, 'latin1'), ['a', 'b'], 1],
    [`{"batch":[${a},{"a":"x},${b}]}`, ['a'], 1],
    [`{"batch":{"a":${a}}}`, [], 0],
    ['{"batch"', [], 0],
    ['no JSON at all', [], 0],
    ['', [], 0]
  ]
  for (const [body, ids, broken] of cases) {
    t.same(idsOf(kept(body)), ids, String(body))
    t.equal(salvage(kept(body)).broken, broken, String(body))
  }
})

t.test('the shared members of a batch are copied into each event if they are whole', async t => {
  const shared = '"context":{"a":1.0,"b":2},"integrations":{"All":false},"sentAt":"2026-11-23T11:59:00Z"'
  const own = event('x', ',"context":{"b":3},"integrations":{"X":true}')
  const [one, other] = salvage(kept(`{${shared},"batch":[${event('a')},${own}`)).events
  t.match(one?.json, /"context":\{"a":1\.0,"b":2\}/, 'numbers keep their spelling')
  t.match(one?.event, { integrations: { All: false }, sentAt: '2026-11-23T11:59:00Z' })
  t.match(JSON.parse(other?.json ?? ''), { event: { context: { a: 1, b: 3 }, integrations: { All: false, X: true } } })
  for (const broken of ['{"a":NaN}', '{"a":"\xe9"}', '{"a":1},"context":{"a":2}']) {
    const found = salvage(kept(Buffer.from(`{"context":${broken},"batch":[${event('a')}]}`, 'latin1')))
    t.match(found, { lacksContext: true, needsIntegrations: false })
    t.notMatch(found.events[0]?.json, /context/)
    const text = `{"integrations":${broken.replace('context', 'integrations')},"batch":[`
    const unrouted = salvage(kept(Buffer.from(text, 'latin1')))
    t.equal(unrouted.needsIntegrations, true, 'an event without its integrations is marked')
  }
})

t.test('the event of a single call is extracted if all of it is present, with the type of its path', async t => {
  const single = { type: 'identify', path: '/v1/identify' }
  const [found] = salvage(kept('{"userId":"u"}\0\0', single)).events
  t.match(found, { type: 'identify', event: { userId: 'u' } })
  for (const body of ['{"userId":"u"', '{"userId":"u"}{"userId":"v"}', '[{"userId":"u"}]']) {
    t.same(salvage(kept(body, single)).events, [], body)
  }
})

t.test('from any batch that is cut off at any byte, all events before the cut are extracted', async t => {
  const payloads = fc.array(
    fc.jsonValue().map(value => JSON.stringify(value)),
    { minLength: 1, maxLength: 6 }
  )
  fc.assert(
    fc.property(payloads, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const events = values.map((value, i) => event(String(i), `,"properties":{"x":${value}}`))
      const body = Buffer.from(`{"batch":[${events.join()}]}`)
      const cut = Math.floor(body.length * share)
      const found = salvage(kept(body.subarray(0, cut))).events
      let end = '{"batch":['.length - 1
      const whole = events.filter(one => (end += Buffer.byteLength(one) + 1) <= cut)
      t.equal(found.length, whole.length)
      for (const [i, one] of whole.entries()) t.ok(found[i]?.json.startsWith(`{"event":${one},"index":${i},`), one)
    }),
    { numRuns: 300 }
  )
})

function accepted({ dir }: TestApp): Json[] {
  const folder = join(dir, 'data', 'events')
  const names = readdirSync(folder).filter(name => name.endsWith('.ndjson'))
  const lines = names.flatMap(name => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
  return lines.map(line => JSON.parse(line) as Json)
}

async function start(t: Test): Promise<TestApp & { rejected(...args: string[]): Promise<Finished> }> {
  const app = await startApp(t, { config, sink: 'configured' })
  const env = { CONFIG_FILE: join(app.dir, 'tributary.yml'), DATA_DIR: join(app.dir, 'data') }
  const rejected = (...args: string[]): Promise<Finished> =>
    run(process.execPath, [MAIN, 'rejected', ...args], { cwd: app.dir, env })
  return { ...app, rejected }
}

t.test('a refused body is listed, and retry --salvage sends its whole events once', async t => {
  const app = await start(t)
  const latin1 = Buffer.from(`{"context":{"app":"\xe9"},"batch":[${event('c')}]}`, 'latin1')
  await post(
    `${app.url}/v1/batch`,
    `{"context":{"ip":"1.2.3.4"},"batch":[${event('a')},{"userId":"u"},${event('b')},{"ty`
  )
  await post(`${app.url}/v1/batch`, latin1)
  await post(`${app.url}/v1/batch`, { batch: [{ type: 'track', event: 'no user', messageId: 'd' }] })

  const list = await app.rejected('list')
  t.match(list.stdout, /^1 rejected event, 2 rejected bodies\n/)
  t.match(list.stdout, /invalid_json: 1 .*\n.*\n.*\n.*\n.* body: \{"context":\{"ip"/)

  const without = await app.rejected('retry')
  t.match(without.stderr, /2 left: a body that was refused as a whole: see --salvage/)
  const dry = await app.rejected('retry', '--salvage')
  t.match(dry.stderr, /2 rejected bodies, 1 broken events in them/)
  t.match(dry.stderr, /4 rejected events, 3 of them can be sent\n {2}1 left: refused again: type_invalid/)
  t.match(dry.stderr, /the batch's context is not whole/)
  t.equal(accepted(app).length, 0)

  for (const attempt of ['first', 'second']) {
    const { code, stderr } = await app.rejected('retry', '--salvage', '--send', '--url', app.url)
    t.equal(code, 0, `the ${attempt} run succeeds: ${stderr}`)
  }
  const found = accepted(app)
  t.same(new Set(found.map(({ messageId }) => messageId)), new Set(['a', 'b', 'c']))
  t.equal(found.length, 3, 'each event is accepted once')
  t.match(found[0], { messageId: 'a', context: { ip: '1.2.3.4' }, projectId: 'web' })
})
