/** Every limit at one below, at it and one above, on every path, for each way to send a body. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { BATCH_PATHS, singlePaths } from '../../../src/http/paths.ts'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import { startApp } from '../../support/app.ts'
import type { Ask, JsonAnswer } from '../../support/http.ts'
import { ask } from '../../support/http.ts'

const EVENT = '"userId":"u","event":"e","groupId":"g","previousId":"p"'

/** An event of any type with exactly this many bytes. */
const eventOf = (bytes: number, type = 'track'): string => pad(`{"type":"${type}",${EVENT},"pad":"`, '"}', bytes)
/** A batch of one small event with exactly this many bytes. */
const batchOf = (bytes: number): string => pad(`{"batch":[{"type":"track",${EVENT}}],"pad":"`, '"}', bytes)
const batch = (...events: readonly string[]): string => `{"batch":[${events.join(',')}]}`

function pad(before: string, after: string, bytes: number): string {
  return before + 'x'.repeat(bytes - before.length - after.length) + after
}

/** The ways to send a body. Limits count the bytes after decompression. */
const WAYS: Readonly<Record<string, (body: string) => Ask>> = {
  plain: body => ({ body }),
  chunked: body => ({ body, chunkBytes: 5_000 }),
  gzip: body => ({ body: gzipSync(body), headers: { 'content-encoding': 'gzip' } })
}
const MORE_WAYS: typeof WAYS = {
  'chunked gzip': body => ({ body: gzipSync(body), headers: { 'content-encoding': 'gzip' }, chunkBytes: 7 }),
  'x-gzip': body => ({ body: gzipSync(body), headers: { 'content-encoding': 'X-GZIP' } }),
  'deflate as zlib': body => ({ body: deflateSync(body), headers: { 'content-encoding': 'deflate' } }),
  'deflate as it is': body => ({ body: deflateRawSync(body), headers: { 'content-encoding': 'deflate' } }),
  br: body => ({ body: brotliCompressSync(body), headers: { 'content-encoding': 'br' } }),
  zstd: body => ({ body: zstdCompressSync(body), headers: { 'content-encoding': 'zstd' } }),
  identity: body => ({ body, headers: { 'content-encoding': 'identity' } })
}

const BODY_BYTES = 32 * 1024
const EVENT_BYTES = 32_767
const BATCH_BYTES = 524_288
const STRICT_BATCH_BYTES = 512_000

interface Trial {
  readonly url: string
  readonly way?: ((body: string) => Ask) | undefined
  readonly make: (size: number) => string
  readonly limit: number
  readonly code?: string
}

/** One below the limit and the limit itself are accepted, and one above is refused with the code. */
async function holds(
  t: Test,
  { url, way = WAYS['plain'], make, limit, code = 'payload_too_large' }: Trial
): Promise<void> {
  const send = (size: number): Promise<JsonAnswer> => ask(t, url, way!(make(size)))
  for (const size of [limit - 1, limit]) t.equal((await send(size)).status, 200, `${size} bytes are accepted`)
  const { status, body } = await send(limit + 1)
  t.equal(status, 400, `${limit + 1} bytes are refused`)
  t.equal((body['errors'] as { code: string }[] | undefined)?.[0]?.code ?? body['code'], code)
}

for (const [name, way] of Object.entries(WAYS)) {
  t.test(`every path of a single call accepts a body of 32 KB and no more, ${name}`, async t => {
    const { url } = await startApp(t)
    const make = (size: number): string => `${eventOf(EVENT_BYTES - 1)}${' '.repeat(size - EVENT_BYTES + 1)}`
    for (const type of EVENT_TYPES) {
      for (const path of singlePaths(type)) await holds(t, { url: url + path, way, make, limit: BODY_BYTES })
    }
  })

  t.test(
    `every path of a batch accepts a body of 524,288 bytes and no more, in strict mode 512,000, ${name}`,
    async t => {
      const { url } = await startApp(t)
      const strict = await startApp(t, { env: { VALIDATION: 'strict' } })
      for (const path of BATCH_PATHS) {
        await holds(t, { url: url + path, way, make: batchOf, limit: BATCH_BYTES })
        await holds(t, { url: strict.url + path, way, make: batchOf, limit: STRICT_BATCH_BYTES })
      }
    }
  )
}

for (const [name, way] of Object.entries(MORE_WAYS)) {
  t.test(`the limits of a body apply to its size after decompression, ${name}`, async t => {
    const { url } = await startApp(t)
    const make = (size: number): string => eventOf(EVENT_BYTES - 1) + ' '.repeat(size - EVENT_BYTES + 1)
    await holds(t, { url: `${url}/v1/t`, way, make, limit: BODY_BYTES })
    await holds(t, { url: `${url}/v1/batch`, way, make: batchOf, limit: BATCH_BYTES })
  })
}

t.test('an event has at most 32,767 bytes, alone and in a batch, and a larger one does not affect others', async t => {
  const { url, sink } = await startApp(t, { env: { BATCH_PARTIAL_STATUS: '400' } })
  for (const type of EVENT_TYPES) {
    for (const path of singlePaths(type)) await holds(t, { url: url + path, make: eventOf, limit: EVENT_BYTES })
  }
  for (const path of BATCH_PATHS) {
    await holds(t, { url: url + path, make: size => batch(eventOf(size), eventOf(200)), limit: EVENT_BYTES })
  }
  const padded = (size: number): string => batch(`  ${eventOf(size)}\n `)
  await holds(t, { url: `${url}/v1/batch`, make: padded, limit: EVENT_BYTES })
  t.ok(
    sink.records.some(({ kind }) => kind === 'rejected'),
    'the event that was too large is stored with its reason'
  )
})

t.test('a batch has at most 2,500 events', async t => {
  const { url } = await startApp(t)
  const make = (size: number): string => batch(...Array.from({ length: size }, () => '{"type":"page","userId":"u"}'))
  for (const path of BATCH_PATHS) await holds(t, { url: url + path, make, limit: 2_500, code: 'too_many_events' })
})

t.test('events nest at most 64 levels, alone and in a batch, and so do the shared members of a batch', async t => {
  const { url } = await startApp(t)
  const nested = (levels: number, member: string): string =>
    `"${member}":${'{"a":'.repeat(levels)}{}${'}'.repeat(levels)}`
  const event = (levels: number): string => `{"type":"track",${EVENT},${nested(levels - 2, 'properties')}}`
  for (const type of EVENT_TYPES) {
    for (const path of singlePaths(type)) await holds(t, { url: url + path, make: event, limit: 64, code: 'too_deep' })
  }
  for (const path of BATCH_PATHS)
    await holds(t, { url: url + path, make: levels => batch(event(levels)), limit: 64, code: 'too_deep' })
  for (const member of ['context', 'integrations']) {
    const make = (levels: number): string => `{"batch":[{"type":"track",${EVENT}}],${nested(levels - 2, member)}}`
    await holds(t, { url: `${url}/v1/batch`, make, limit: 64, code: 'too_deep' })
  }
})

t.test('the shared members of a batch are at most as large as an event', async t => {
  const { url } = await startApp(t, { env: { MAX_EVENT_BYTES: '500' } })
  for (const member of ['context', 'integrations']) {
    const make = (size: number): string =>
      `{"${member}":{"a":{"b":"${'x'.repeat(size - '{"a":{"b":""}}'.length)}"}},"batch":[{"type":"track",${EVENT}}]}`
    await holds(t, { url: `${url}/v1/batch`, make, limit: 500, code: 'payload_too_large' })
  }
})

t.test('a messageId has at most 100 characters', async t => {
  const { url } = await startApp(t)
  for (const unit of ['m', '\u00e9', '\u{1f600}']) {
    const event = (size: number): string => `{"type":"track",${EVENT},"messageId":"${unit.repeat(size)}"}`
    await holds(t, { url: `${url}/v1/track`, make: event, limit: 100, code: 'message_id_invalid' })
    await holds(t, { url: `${url}/v1/batch`, make: size => batch(event(size)), limit: 100, code: 'message_id_invalid' })
  }
})

t.test(
  'what one request may publish is bounded to the byte, and each line counts once however many topics it goes to',
  async t => {
    const env = { MAX_EVENT_BYTES: '1000', MAX_BATCH_BYTES: '2000' }
    const destinations = '\ndestinations: [{ name: A, topic: a }, { name: B, topic: b }]'
    const config = `sources: [{ id: web, writeKeys: [wk_test] }]${destinations}`
    const body = `{"context":{"pad":"${'x'.repeat(980)}"},"batch":[${[1, 2, 3].map(i => `{"type":"track",${EVENT},"messageId":"m${i}"}`).join(',')}]}`
    const free = await startApp(t, { env, config })
    t.equal((await ask(t, `${free.url}/v1/batch`, { body })).status, 200)
    const bytes = free.sink.records.reduce((sum, { line }) => sum + line.length, 0)
    t.ok(bytes > 2_940, 'each event contains the context')
    t.same(free.sink.records[0]?.topics, ['tributary.events', 'a', 'b'])
    for (const [limit, status] of [
      [bytes + 1, 200],
      [bytes, 200],
      [bytes - 1, 400]
    ] as const) {
      const { url, sink } = await startApp(t, { env: { ...env, MAX_PUBLISH_BYTES: String(limit) }, config })
      const answer = await ask(t, `${url}/v1/batch`, { body })
      t.equal(answer.status, status, `${bytes} bytes with a limit of ${limit} have the expected status`)
      if (status === 400) t.match(answer.body, { success: false, code: 'payload_too_large' })
      const kind = status === 200 ? 'event' : 'rejected'
      t.same(
        sink.records.map(record => record.kind),
        [kind, kind, kind],
        'either all events are published, or all are stored as rejected'
      )
    }
  }
)

t.test('a legitimate batch is accepted completely however many destinations there are', async t => {
  const names = ['A', 'B', 'C', 'D', 'E', 'F']
  const destinations = names.map(name => `  - { name: ${name}, topic: to.${name} }`).join('\n')
  const config = `sources: [{ id: web, writeKeys: [wk_test] }]\ndestinations:\n${destinations}\n`
  const { url, sink } = await startApp(t, { config })
  const body = batch(...Array.from({ length: 1_681 }, () => eventOf(291)))
  t.ok(body.length > 490_000, `the body has ${body.length} bytes`)
  t.equal((await ask(t, `${url}/v1/batch`, { body })).status, 200)
  t.equal(sink.records.length, 1_681)
  for (const { topics } of sink.records) t.equal(topics.length, 1 + names.length)
})

t.test('if a request asks for too much, each of its events is kept as it was sent, with the error', async t => {
  const env = { MAX_EVENT_BYTES: '1000', MAX_BATCH_BYTES: '2000', MAX_PUBLISH_BYTES: '2000' }
  const { url, sink } = await startApp(t, { env })
  const events = [
    `{"type":"track",${EVENT},"messageId":"m0"}`,
    `{"type":"page","messageId":"m1"}`,
    `{"type":"page","userId":"u","messageId":"m2","properties":{"n":1.10}}`
  ]
  const shared = `"context":{"pad":"${'x'.repeat(980)}"}`
  for (const attempt of ['first', 'second']) {
    const answer = await ask(t, `${url}/v1/batch`, { body: `{${shared},"batch":[${events.join()}]}` })
    t.match([answer.status, answer.body], [400, { success: false, code: 'payload_too_large' }], attempt)
  }
  t.same(
    sink.records.map(({ kind, type, code, messageId }) => [kind, type, code, messageId]),
    [
      ['rejected', 'track', 'payload_too_large', 'm0'],
      ['rejected', 'page', 'no_user_anon_id', 'm1'],
      ['rejected', 'page', 'payload_too_large', 'm2']
    ],
    'each event is stored once, with its reason'
  )
  for (const [i, { line }] of sink.records.entries()) t.ok(line.toString().startsWith(`{"event":${events[i]},`))
  const again = await ask(t, `${url}/v1/batch`, { body: batch(...events) })
  t.match(again.body, { success: true, accepted: 2, rejected: 1 }, 'the ids can be used again in smaller requests')
})

t.test('a context of 30 KB times 2,000 events is refused quickly and in bounded memory', async t => {
  const { url, sink } = await startApp(t)
  const events = Array.from({ length: 2_000 }, (_, i) => `{"type":"page","userId":"u${i}"}`)
  const body = `{"context":{"pad":"${'x'.repeat(30_000)}"},"batch":[${events.join(',')}]}`
  const before = process.memoryUsage()
  const started = process.cpuUsage()
  const answer = await ask(t, `${url}/v1/batch`, { body })
  const { user, system } = process.cpuUsage(started)
  const after = process.memoryUsage()
  t.equal(answer.status, 400)
  t.equal(answer.body['code'], 'payload_too_large')
  t.ok(user + system < 1e6, `the answer took ${Math.round((user + system) / 1e3)} ms of CPU time`)
  const grown = (after.external + after.heapUsed - before.external - before.heapUsed) / 1e6
  t.ok(grown < 64, `the memory grew by ${Math.round(grown)} MB`)
  t.equal(sink.records.length, 2_000)
  const bytes = sink.records.reduce((sum, { line }) => sum + line.length, 0)
  t.ok(bytes < 2_000 * 500, `${bytes} bytes are stored, so no event contains the context`)
})

t.test('the operator may raise and lower the limits', async t => {
  const raised = await startApp(t, {
    env: { MAX_EVENT_BYTES: '40000', MAX_BATCH_BYTES: '600000', MAX_BATCH_EVENTS: '3000', MAX_PUBLISH_BYTES: '64MiB' }
  })
  await holds(t, { url: `${raised.url}/v1/track`, make: eventOf, limit: 40_000 })
  await holds(t, { url: `${raised.url}/v1/batch`, make: size => batch(eventOf(size)), limit: 40_000 })
  await holds(t, { url: `${raised.url}/v1/batch`, make: batchOf, limit: 600_000 })
  const many = (size: number): string => batch(...Array.from({ length: size }, () => '{"type":"page","userId":"u"}'))
  await holds(t, { url: `${raised.url}/v1/batch`, make: many, limit: 3_000, code: 'too_many_events' })

  const lowered = await startApp(t, {
    env: { MAX_EVENT_BYTES: '1000', MAX_BATCH_BYTES: '5000', MAX_BATCH_EVENTS: '3' }
  })
  await holds(t, { url: `${lowered.url}/v1/track`, make: eventOf, limit: 1_000 })
  await holds(t, { url: `${lowered.url}/v1/batch`, make: size => batch(eventOf(size)), limit: 1_000 })
  await holds(t, { url: `${lowered.url}/v1/batch`, make: batchOf, limit: 5_000 })
  await holds(t, { url: `${lowered.url}/v1/batch`, make: many, limit: 3, code: 'too_many_events' })
})

t.test("a full batch of React Native's SDK is accepted, which counts neither commas nor its envelope", async t => {
  const { url, sink } = await startApp(t)
  // Like its chunk(): adds events until 512,000 bytes are reached.
  const events: string[] = []
  for (let bytes = 0; bytes < 512_000 - 552; bytes += 552) events.push(eventOf(552))
  const body = `{"batch":[${events.join()}],"sentAt":"2026-11-23T12:00:00.000Z","writeKey":"wk_test"}`
  t.equal(events.length, 927)
  t.ok(body.length > 512_000, `the body has ${body.length} bytes`)
  t.equal((await ask(t, `${url}/v1/b`, { body })).status, 200)
  t.equal(sink.records.length, 927)
})

t.test('a refusal names the variable that sets its limit, for every limit that an operator can set', async t => {
  const config = `sources: [{ id: web, writeKeys: [wk_test], rateLimit: { eventsPerSecond: 1 } }]`
  const env = { MAX_EVENT_BYTES: '40000', MAX_BATCH_BYTES: '50000', MAX_BATCH_EVENTS: '3', MAX_PUBLISH_BYTES: '50000' }
  const start = async (more: Record<string, string> = {}): Promise<string> =>
    (await startApp(t, { config, env: { ...env, ...more } })).url
  const says = async (path: string, body: string, name: RegExp, more?: Record<string, string>): Promise<void> => {
    const answer = await ask(t, `${await start(more)}${path}`, { body })
    const [first] = (answer.body['errors'] as { message: string }[] | undefined) ?? []
    t.match(first?.message ?? answer.body['message'], name)
  }
  const small = eventOf(100)
  await says('/v1/track', eventOf(40_001), /larger than 40000 bytes.*\(MAX_EVENT_BYTES\)/)
  await says('/v1/track', eventOf(32_768), /has 32768 bytes; the limit is 32767 \(MAX_EVENT_BYTES\)/, {
    MAX_EVENT_BYTES: ''
  })
  await says('/v1/batch', batchOf(50_001), /larger than 50000 bytes.*\(MAX_BATCH_BYTES\)/)
  await says('/v1/batch', batch(eventOf(40_001), small), /has 40001 bytes; the limit is 40000 \(MAX_EVENT_BYTES\)/)
  await says('/v1/batch', batch(small, small, small, small), /at most 3 events \(MAX_BATCH_EVENTS\)/)
  const shared = (bytes: number): string => `{"context":{"pad":"${'x'.repeat(bytes)}"},"batch":[${small},${small}]}`
  await says('/v1/batch', shared(40_000), /the batch's context has .* at most 40000 \(MAX_EVENT_BYTES\)/)
  await says('/v1/batch', shared(30_000), /more than 50000 bytes \(MAX_PUBLISH_BYTES\)/)
  const url = await start({ MAX_BATCH_EVENTS: '1' })
  const refused = []
  while (refused.length === 0) {
    const answer = await ask(t, `${url}/v1/track`, { body: small })
    if (answer.status !== 200) refused.push(answer)
  }
  t.match(refused, [{ status: 429, body: { message: /rateLimit in tributary\.yml/ } }])
})
