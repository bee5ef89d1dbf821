/** Every limit at one below, at it and one above, on every path, however the body is sent. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { BATCH_PATHS, singlePaths } from '../../src/http/paths.ts'
import { EVENT_TYPES } from '../../src/model/event-types.ts'
import { startApp } from '../support/app.ts'
import type { Ask, JsonAnswer } from '../support/http.ts'
import { ask } from '../support/http.ts'

const EVENT = '"userId":"u","event":"e","groupId":"g","previousId":"p"'

/** An event of any type that is exactly so many bytes long. */
const eventOf = (bytes: number, type = 'track'): string => pad(`{"type":"${type}",${EVENT},"pad":"`, '"}', bytes)
/** A batch of one small event that is exactly so many bytes long. */
const batchOf = (bytes: number): string => pad(`{"batch":[{"type":"track",${EVENT}}],"pad":"`, '"}', bytes)
const batch = (...events: readonly string[]): string => `{"batch":[${events.join(',')}]}`

function pad(before: string, after: string, bytes: number): string {
  return before + 'x'.repeat(bytes - before.length - after.length) + after
}

/** The ways a body can travel; limits count what it is when it has been inflated. */
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
const BATCH_BYTES = 512_000

interface Trial {
  readonly url: string
  readonly way?: ((body: string) => Ask) | undefined
  readonly make: (size: number) => string
  readonly limit: number
  readonly code?: string
}

/** One below the limit passes, the limit itself passes, one above is refused with the code. */
async function holds(
  t: Test,
  { url, way = WAYS['plain'], make, limit, code = 'payload_too_large' }: Trial
): Promise<void> {
  const send = (size: number): Promise<JsonAnswer> => ask(t, url, way!(make(size)))
  for (const size of [limit - 1, limit]) t.equal((await send(size)).status, 200, `${size} passes`)
  const { status, body } = await send(limit + 1)
  t.equal(status, 400, `${limit + 1} does not`)
  t.equal((body['errors'] as { code: string }[] | undefined)?.[0]?.code ?? body['code'], code)
}

for (const [name, way] of Object.entries(WAYS)) {
  t.test(`every path of a single call takes a body of 32 KB and no more, ${name}`, async t => {
    const { url } = await startApp(t)
    const make = (size: number): string => `${eventOf(EVENT_BYTES - 1)}${' '.repeat(size - EVENT_BYTES + 1)}`
    for (const type of EVENT_TYPES) {
      for (const path of singlePaths(type)) await holds(t, { url: url + path, way, make, limit: BODY_BYTES })
    }
  })

  t.test(`every path of a batch takes a body of 512,000 bytes and no more, ${name}`, async t => {
    const { url } = await startApp(t)
    for (const path of BATCH_PATHS) await holds(t, { url: url + path, way, make: batchOf, limit: BATCH_BYTES })
  })
}

for (const [name, way] of Object.entries(MORE_WAYS)) {
  t.test(`the limits of a body count what it is when it has been inflated, ${name}`, async t => {
    const { url } = await startApp(t)
    const make = (size: number): string => eventOf(EVENT_BYTES - 1) + ' '.repeat(size - EVENT_BYTES + 1)
    await holds(t, { url: `${url}/v1/t`, way, make, limit: BODY_BYTES })
    await holds(t, { url: `${url}/v1/batch`, way, make: batchOf, limit: BATCH_BYTES })
  })
}

t.test('an event has at most 32,767 bytes, alone and in a batch, and costs its neighbours nothing', async t => {
  const { url, sink } = await startApp(t)
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
    'what was too large is kept with its reason'
  )
})

t.test('a batch has at most 2,500 events', async t => {
  const { url } = await startApp(t)
  const make = (size: number): string => batch(...Array.from({ length: size }, () => '{"type":"page","userId":"u"}'))
  for (const path of BATCH_PATHS) await holds(t, { url: url + path, make, limit: 2_500, code: 'too_many_events' })
})

t.test('events nest at most 64 levels, alone and in a batch, and so does what a batch shares', async t => {
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

t.test('what a batch shares is at most as large as an event', async t => {
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

t.test('what one request may publish is bounded to the byte, for each topic that it goes to', async t => {
  const env = { MAX_EVENT_BYTES: '1000', MAX_BATCH_BYTES: '2000' }
  const destinations = '\ndestinations: [{ name: A, topic: a }]'
  const config = `sources: [{ id: web, writeKeys: [wk_test] }]${destinations}`
  const body = `{"context":{"pad":"${'x'.repeat(980)}"},"batch":[${[1, 2, 3].map(i => `{"type":"track",${EVENT},"messageId":"m${i}"}`).join(',')}]}`
  const free = await startApp(t, { env, config })
  t.equal((await ask(t, `${free.url}/v1/batch`, { body })).status, 200)
  const bytes = free.sink.records.reduce((sum, { line, topics }) => sum + line.length * topics.length, 0)
  t.ok(bytes > 5_880, 'the context is in each event, and each event goes to two topics')
  for (const [limit, status] of [
    [bytes + 1, 200],
    [bytes, 200],
    [bytes - 1, 400]
  ] as const) {
    const { url, sink } = await startApp(t, { env: { ...env, MAX_PUBLISH_BYTES: String(limit) }, config })
    const answer = await ask(t, `${url}/v1/batch`, { body })
    t.equal(answer.status, status, `${bytes} bytes under a limit of ${limit}`)
    if (status === 400) t.match(answer.body, { code: 'payload_too_large' })
    t.equal(sink.records.length, status === 200 ? 3 : 0, 'all or nothing')
  }
})

t.test('a context of 30 KB times 2,000 events is refused quickly and in bounded memory', async t => {
  const { url, sink } = await startApp(t)
  const events = Array.from({ length: 2_000 }, () => '{"type":"page","userId":"u"}')
  const body = `{"context":{"pad":"${'x'.repeat(30_000)}"},"batch":[${events.join(',')}]}`
  const before = process.memoryUsage()
  const started = performance.now()
  const answer = await ask(t, `${url}/v1/batch`, { body })
  const after = process.memoryUsage()
  t.equal(answer.status, 400)
  t.equal(answer.body['code'], 'payload_too_large')
  t.ok(performance.now() - started < 1_000, `answered after ${Math.round(performance.now() - started)} ms`)
  const grown = (after.external + after.heapUsed - before.external - before.heapUsed) / 1e6
  t.ok(grown < 64, `${Math.round(grown)} MB more`)
  t.equal(sink.records.length, 0)
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
