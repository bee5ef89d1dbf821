import { readFileSync } from 'node:fs'
import { validate } from '@readme/openapi-parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { parse } from 'yaml'
import { addSafeFormats } from '../../src/contract/formats.ts'
import { loadContract } from '../../src/contract/document.ts'
import { DEFAULT_LIMITS, MAX_ANSWER_ERRORS, MAX_MESSAGE_ID_CHARS } from '../../src/model/limits.ts'
import { EVENT_TYPES } from '../../src/model/event-types.ts'
import { REASONS } from '../../src/model/reasons.ts'
import { answerFaults, assertAnswerMatchesContract } from '../support/contract-answers.ts'

const fileOf = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname
const document = loadContract(fileOf('openapi.yml'))

t.test('openapi.yml is a valid OpenAPI 3.1 document', async t => {
  // The parser resolves references in place, so it gets its own copy.
  const result = await validate(parse(readFileSync(fileOf('openapi.yml'), 'utf8')) as Parameters<typeof validate>[0])
  t.match(result, { valid: true, specification: 'OpenAPI' })
  t.match(document['openapi'], /^3\.1\./)
})

/** Every place where `extended` differs from what `given` says. */
function lost(given: unknown, extended: unknown, place = ''): string[] {
  if (Array.isArray(given)) {
    if (!Array.isArray(extended)) return [place]
    return given.flatMap((item, i) => (extended.some(other => lost(item, other).length === 0) ? [] : [`${place}/${i}`]))
  }
  if (typeof given === 'object' && given !== null) {
    if (typeof extended !== 'object' || extended === null) return [place]
    return Object.entries(given).flatMap(([key, value]) =>
      lost(value, (extended as Record<string, unknown>)[key], `${place}/${key}`)
    )
  }
  return given === extended ? [] : [place]
}

t.test('openapi.yml keeps every word of the given contract', async t => {
  const given: unknown = parse(readFileSync(fileOf('test/contract/given-openapi.yml'), 'utf8'))
  t.same(lost(given, document), [])
  t.same(lost(given, { ...document, paths: {} }).length, 7, 'the comparison finds missing paths')
})

t.test('openapi.yml requires nothing of a call that the given contract does not', async t => {
  const given = loadContract(fileOf('test/contract/given-openapi.yml'))
  for (const name of [
    ...EVENT_TYPES.map(type => `${type[0]?.toUpperCase()}${type.slice(1)}Call`),
    'BatchCall',
    'Context'
  ]) {
    const [old, now] = [given, document].map(each => each.components.schemas[name] as Record<string, unknown>)
    t.same(now?.['required'], old?.['required'], name)
    t.notOk('additionalProperties' in (now ?? {}), `${name} allows additional properties`)
  }
})

t.test('the lists and limits in openapi.yml equal those of the code', async t => {
  const { schemas } = document.components
  t.match(schemas, {
    ReasonCode: { enum: Object.keys(REASONS) },
    ErrorResponse: { properties: { errors: { maxItems: MAX_ANSWER_ERRORS } } },
    TrackCall: { properties: { messageId: { maxLength: MAX_MESSAGE_ID_CHARS } } },
    BatchCall: {
      properties: {
        batch: { maxItems: DEFAULT_LIMITS.maxBatchEvents, items: { properties: { type: { enum: [...EVENT_TYPES] } } } }
      }
    }
  })
})

t.test('the schemas of the records are valid and accept what the server publishes', async t => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false })
  addSafeFormats(ajv)
  const read = (name: string): Record<string, unknown> =>
    JSON.parse(readFileSync(fileOf(`schemas/${name}.schema.json`), 'utf8')) as Record<string, unknown>
  const isEvent = ajv.compile(read('event'))
  const ours = {
    messageId: 'm',
    receivedAt: '2026-01-02T03:04:05.678Z',
    timestamp: '2026-01-02T03:04:05.678Z',
    projectId: 'web',
    version: 2
  }
  const track = { ...ours, type: 'track', event: 'E', userId: 'u', anonymousId: null, context: [], properties: null }
  t.ok(isEvent(track), JSON.stringify(isEvent.errors))
  for (const bad of [
    { ...track, writeKey: 'wk' },
    { ...track, event: '' },
    { ...track, userId: '' },
    { ...track, version: 1 },
    { ...track, integrations: { A: 'yes' } },
    { ...track, timestamp: 'today' },
    { ...ours, type: 'alias', userId: 'u' },
    { ...ours, type: 'group', userId: 'u' }
  ]) {
    t.notOk(isEvent(bad), JSON.stringify(bad))
  }

  const rejected = read('rejected')
  t.same((rejected['properties'] as Record<string, Record<string, unknown>>)['code']?.['enum'], Object.keys(REASONS))
  const isRejected = ajv.compile(rejected)
  const record = {
    event: { userId: 5 },
    source: 'web',
    type: 'track',
    path: '/v1/batch',
    code: 'id_not_string',
    pointer: '/userId',
    message: 'userId must be a string',
    receivedAt: ours.receivedAt,
    library: { name: null, version: null }
  }
  t.ok(isRejected(record), JSON.stringify(isRejected.errors))
  t.ok(isRejected({ ...record, event: '{"broken' }), 'an event that is not JSON is kept as text')
  t.notOk(isRejected({ ...record, event: { writeKey: 'wk' } }), 'a record with a write key does not match the schema')
  t.notOk(isRejected({ ...record, code: 'because' }))
})

t.test('an answer is checked against the contract: status, headers, content type and body', async t => {
  const json = { 'content-type': 'application/json; charset=utf-8' }
  const ok = { method: 'POST', path: '/v1/track', status: 200, headers: json, body: '{"success":true}' }
  const error = '{"success":false,"message":"m","code":"unavailable"}'
  for (const good of [
    ok,
    { ...ok, path: '/import/' },
    { ...ok, path: '/b?writeKey=k' },
    { ...ok, status: 503, headers: { ...json, 'retry-after': '1' }, body: error },
    { ...ok, path: '/nowhere', status: 404, body: error },
    { ...ok, method: 'GET', status: 405, headers: { ...json, allow: 'POST' }, body: error },
    { ...ok, method: 'GET', path: '/v1/pixel/page?data=e30', headers: { 'content-type': 'image/gif' }, body: 'GIF89a' },
    { ...ok, method: 'OPTIONS', status: 204, headers: {}, body: '' }
  ]) {
    assertAnswerMatchesContract(t, good)
  }
  for (const [why, bad] of Object.entries({
    'status 202 is not documented': { ...ok, status: 202 },
    'status 200 is not documented': { ...ok, path: '/nowhere' },
    'Retry-After is missing': { ...ok, status: 503, body: error },
    'Retry-After is 1.5': { ...ok, status: 503, headers: { ...json, 'retry-after': '1.5' }, body: error },
    'the content type is text/plain': { ...ok, headers: { 'content-type': 'text/plain' } },
    'the body is not JSON': { ...ok, body: 'OK' },
    code: { ...ok, status: 400, body: '{"success":false,"message":"m"}' },
    surprise: { ...ok, body: '{"success":true,"surprise":1}' }
  })) {
    t.match(answerFaults(bad).join(), why)
  }
})
