/**
 * Requests of SDKs that cannot run here, as their source code describes them (docs/sdks.md names the versions), and
 * every form in which a body may be sent.
 */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { basic, startApp } from '../support/app.ts'
import type { Ask } from '../support/http.ts'
import { ask } from '../support/http.ts'

interface Unrecorded extends Ask {
  readonly sdk: string
  readonly path: string
  readonly json: object
  /** The expected members of each of its records, in order. */
  readonly expected: readonly object[]
}

const KEYED = { writeKey: 'wk_test' }
const BASIC = basic()

const SDKS: readonly Unrecorded[] = [
  {
    sdk: 'PHP: empty arrays for objects, times in seconds, Basic alone',
    path: '/v1/batch',
    authorization: BASIC,
    headers: { 'content-type': 'application/json' },
    json: {
      batch: [
        {
          type: 'track',
          userId: 'u',
          event: 'e',
          properties: { cart: [] },
          integrations: [],
          context: { library: { name: 'analytics-php', version: '3.8.2', consumer: 'LibCurl' }, page: [] },
          timestamp: '2026-11-23T11:59:50+00:00',
          messageId: 'php-1'
        },
        {
          type: 'identify',
          userId: 'u',
          traits: [],
          context: [],
          timestamp: '2026-11-23T11:59:50+00:00',
          messageId: 'php-2'
        }
      ],
      sentAt: '2026-11-23T11:59:55+00:00'
    },
    expected: [
      { properties: { cart: [] }, integrations: [], context: { page: [] }, timestamp: '2026-11-23T11:59:55.000Z' },
      { traits: [], context: [] }
    ]
  },
  {
    sdk: 'Ruby: /v1/import, an empty name, options beside the rest',
    path: '/v1/import',
    authorization: BASIC,
    json: {
      sentAt: '2026-11-23T12:00:00.000Z',
      batch: [
        {
          type: 'page',
          userId: 'u',
          name: '',
          properties: {},
          options: { x: 1 },
          timestamp: '2026-11-23T13:59:59.000+02:00'
        }
      ]
    },
    expected: [{ name: '', options: { x: 1 }, originalTimestamp: '2026-11-23T13:59:59.000+02:00' }]
  },
  {
    sdk: '.NET: nulls for all that was not given, seven digits of a second, gzip',
    path: '/v1/import',
    authorization: BASIC,
    headers: { 'content-encoding': 'gzip' },
    json: {
      messageId: 'batch-1',
      sentAt: '2026-11-23T14:00:00.1234567+02:00',
      batch: [
        {
          type: 'screen',
          userId: 'u',
          anonymousId: null,
          name: 'Start',
          category: null,
          properties: null,
          integrations: {},
          timestamp: '2026-11-23T13:59:59.1234567+02:00',
          messageId: 'net-1'
        }
      ]
    },
    expected: [{ anonymousId: null, category: null, properties: null, timestamp: '2026-11-23T11:59:59.0004567Z' }]
  },
  {
    sdk: 'C#: no content type, always gzip, the key in the body',
    path: '/v1/b',
    authorization: null,
    headers: { 'content-encoding': 'gzip' },
    json: {
      ...KEYED,
      sentAt: '2026-11-23T12:00:00.0000000Z',
      batch: [
        {
          type: 'track',
          anonymousId: 'a',
          userId: null,
          event: 'e',
          _metadata: { bundled: [], unbundled: [], bundledIds: [] },
          metrics: [],
          context: { library: { name: 'Analytics-CSharp', version: '2.6.0' } },
          timestamp: '2026-11-23T12:00:00.0000000Z'
        }
      ]
    },
    expected: [{ userId: null, metrics: [], context: { ip: '127.0.0.1' }, timestamp: '2026-11-23T12:00:00.0000000Z' }]
  },
  {
    sdk: 'Swift: the key in the body',
    path: '/v1/b',
    authorization: null,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    json: {
      ...KEYED,
      sentAt: '2026-11-23T12:00:00.000Z',
      batch: [
        {
          type: 'identify',
          anonymousId: 'a',
          userId: 'u',
          traits: {},
          integrations: {},
          context: { library: { name: 'analytics-swift', version: '1.9.4' }, instanceId: 'i' },
          timestamp: '2026-11-23T12:00:00.000Z'
        }
      ]
    },
    expected: [{ context: { instanceId: 'i', ip: '127.0.0.1' } }]
  },
  {
    sdk: 'React Native: /b below the host',
    path: '/b',
    authorization: null,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    json: {
      ...KEYED,
      sentAt: '2026-11-23T12:00:00.000Z',
      batch: [
        {
          type: 'screen',
          anonymousId: 'a',
          name: 'Start',
          context: { library: { name: '@segment/analytics-react-native', version: '2.24.1' } },
          _metadata: { bundled: [], unbundled: [], bundledIds: [] }
        }
      ]
    },
    expected: [{ context: { ip: '127.0.0.1' } }]
  },
  {
    sdk: 'Flutter: a sentAt without a zone says nothing, and hurts nothing',
    path: '/v1/b',
    authorization: null,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    json: {
      ...KEYED,
      sentAt: '2026-11-23T14:00:00.123456',
      batch: [{ type: 'track', anonymousId: 'a', userId: null, event: 'e', timestamp: '2026-11-23T11:59:00.123456Z' }]
    },
    expected: [{ timestamp: '2026-11-23T11:59:00.123456Z', sentAt: undefined }]
  }
]

for (const { sdk, path, json, expected, ...request } of SDKS) {
  t.test(sdk, async t => {
    const { url, sink } = await startApp(t)
    const text = JSON.stringify(json)
    const body = request.headers?.['content-encoding'] === 'gzip' ? gzipSync(text) : text
    const { status, text: answer } = await ask(t, url + path, { ...request, body })
    t.equal(status, 200)
    t.equal(answer, '{"success":true}')
    const values = sink.records.map(({ line }) => JSON.parse(line.toString()) as object)
    t.equal(values.length, expected.length)
    for (const [index, value] of values.entries()) t.match(value, expected[index])
    t.notMatch(sink.records.map(({ line }) => line.toString()).join(''), 'wk_test', 'the key is not published')
  })
}

t.test('numbers as ids, which PHP and Ruby send unchanged, are refused without other events', async t => {
  const { url, sink } = await startApp(t)
  const event = { type: 'track', event: 'e' }
  const body = JSON.stringify({ batch: [{ ...event, userId: 7 }, { ...event, userId: 'u' }, event] })
  const { status, body: answer } = await ask(t, `${url}/v1/batch`, { body })
  t.equal(status, 200)
  t.match(answer, {
    accepted: 1,
    rejected: 2,
    errors: [
      { index: 0, code: 'id_not_string' },
      { index: 2, code: 'no_user_anon_id' }
    ]
  })
  t.equal(sink.records.filter(({ kind }) => kind === 'event').length, 1)
})

const ENCODINGS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: bytes => bytes,
  gzip: gzipSync,
  deflate: deflateSync,
  'deflate ': deflateRawSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync
}
const CONTENT_TYPES = [
  undefined,
  'application/json',
  'application/json; charset=UTF-8',
  'text/plain',
  'text/plain;charset=UTF-8',
  'application/x-www-form-urlencoded',
  'application/octet-stream',
  'nonsense'
]

t.test('every content type, or none, in every encoding, in one piece and in chunks, is read as JSON', async t => {
  const { url, sink } = await startApp(t)
  const event = Buffer.from('{"type":"track","userId":"ü","event":"e","integrations":{}}')
  let sent = 0
  for (const [encoding, compress] of Object.entries(ENCODINGS)) {
    for (const type of CONTENT_TYPES) {
      for (const chunkBytes of [undefined, 7]) {
        const headers = { 'content-encoding': encoding, ...(type === undefined ? {} : { 'content-type': type }) }
        const chunked = chunkBytes === undefined ? {} : { chunkBytes }
        const { status } = await ask(t, `${url}/v1/t`, { headers, body: compress(event), ...chunked })
        t.equal(status, 200, `${encoding} as ${type}, ${chunkBytes === undefined ? 'whole' : 'chunked'}, is accepted`)
        sent++
      }
    }
  }
  t.equal(sink.records.length, sent)
  t.equal(
    sink.records.every(({ key }) => key === 'ü'),
    true
  )
})
