/**
 * Every recorded request of the SDKs, replayed against the server with a fixed clock and a sink in memory. The
 * published records and the answers are compared with `expected/`, one file for each recording. `TAP_SNAPSHOT=1 node
 * <this file>` writes these files again; read them before you commit them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { addSafeFormats } from '../../src/contract/formats.ts'
import type { PublishedRecord } from '../support/memory-sink.ts'
import { startApp } from '../support/app.ts'
import { assertAnswerMatchesContract } from '../support/contract-answers.ts'
import type { Json, Replayed, Sample } from '../support/samples.ts'
import { readSamples, replay } from '../support/samples.ts'

const EXPECTED = join(import.meta.dirname, 'expected')
const DOCUMENT = new URL('../../docs/sdks.md', import.meta.url)
const CONFIG = `
sources:
  - id: sdks
    writeKeys: [wk_sample, wk_test, wk, k]
`
const MODES = ['compatible', 'strict'] as const
/** A rebuilt batch repeats one event, so this number of its records is enough. */
const SHOWN_RECORDS = 12
const SHOWN_BODY_CHARS = 200

interface Exchange {
  readonly sample: Sample
  readonly answer: Replayed
  readonly records: readonly PublishedRecord[]
}

/** The members that the server may add to an event, besides the shared members of its batch. */
const OURS = ['type', 'messageId', 'receivedAt', 'sentAt', 'originalTimestamp', 'timestamp', 'projectId', 'version']

const samples = readSamples()
const exchanges = { compatible: new Map<string, Exchange[]>(), strict: new Map<string, Exchange[]>() }

t.before(async () => {
  for (const mode of MODES) {
    const { url, sink } = await startApp(t, { config: CONFIG, env: { VALIDATION: mode } })
    for (const [recording, requests] of samples) {
      const exchanged: Exchange[] = []
      for (const sample of requests) {
        const before = sink.records.length
        const answer = await replay(url, sample)
        exchanged.push({ sample, answer, records: sink.records.slice(before) })
      }
      exchanges[mode].set(recording, exchanged)
    }
  }
})

const valueOf = (record: PublishedRecord): Json => JSON.parse(record.line.toString()) as Json
const eventsOf = (records: readonly PublishedRecord[]) => records.filter(({ kind }) => kind === 'event')
const rejectedOf = (records: readonly PublishedRecord[]) => records.filter(({ kind }) => kind === 'rejected')

/** No server could accept the requests of two recordings: one is too large, one is not JSON. */
function legal(mode: (typeof MODES)[number]): Exchange[] {
  return [...exchanges[mode].values()].flat().filter(({ sample }) => sample.recording !== 'oddities')
}

/** Ids that the server made differ from run to run. */
function withoutMadeIds(value: Json, sent: Json | undefined): Json {
  return sent !== undefined && !('messageId' in sent) ? { ...value, messageId: '(made by the server)' } : value
}

/** A body that is too large is shown in part. */
function shortened(value: Json): Json {
  const { body } = value
  if (typeof body !== 'string' || body.length <= SHOWN_BODY_CHARS) return value
  return { ...value, body: `${body.slice(0, SHOWN_BODY_CHARS)}... (${body.length} characters)` }
}

function describe(exchange: Exchange, strict: Exchange): Json {
  const { sample, answer, records } = exchange
  const events = eventsOf(records)
  return {
    request: `${sample.method} ${sample.url}`,
    status: answer.status,
    ...(sample.method === 'POST' ? { answer: JSON.parse(answer.text) as Json } : {}),
    records: events.slice(0, SHOWN_RECORDS).map(record => ({
      topics: record.topics,
      key: record.key,
      value: withoutMadeIds(valueOf(record), sentFor(sample, valueOf(record), events.indexOf(record)))
    })),
    ...(events.length > SHOWN_RECORDS ? { moreRecords: events.length - SHOWN_RECORDS } : {}),
    rejected: rejectedOf(records).map(record => shortened(valueOf(record))),
    strict: {
      status: strict.answer.status,
      accepted: eventsOf(strict.records).length,
      refused: rejectedOf(strict.records).map(record => {
        const { code, pointer, event } = valueOf(record)
        return `${String((event as Json | undefined)?.['type'] ?? sample.url)} ${String(code)} ${String(pointer)}`
      })
    }
  }
}

/** The event as it was sent that became this record. */
function sentFor(sample: Sample, value: Json, index: number): Json | undefined {
  return (
    sample.events.find(({ messageId }) => messageId !== undefined && messageId === value['messageId']) ??
    sample.events[index]
  )
}

for (const recording of samples.keys()) {
  t.test(`${recording}: the published records and the answers are as expected`, async t => {
    const compatible = exchanges.compatible.get(recording) ?? []
    const strict = exchanges.strict.get(recording) ?? []
    const found = compatible.map((exchange, i) => describe(exchange, strict[i] as Exchange))
    const file = join(EXPECTED, `${recording}.json`)
    if (process.env['TAP_SNAPSHOT'] === '1') {
      mkdirSync(EXPECTED, { recursive: true })
      writeFileSync(file, `${JSON.stringify(found, undefined, 2)}\n`)
    }
    t.ok(existsSync(file), 'the file of expected results exists')
    t.same(found, JSON.parse(readFileSync(file, 'utf8')))
  })
}

t.test('compatible mode refuses no event of any recording, except events with numbers as ids', async t => {
  const all = legal('compatible')
  const refused = all.flatMap(({ records }) => rejectedOf(records).map(valueOf))
  t.same(
    refused.map(({ code, pointer }) => [code, pointer]),
    Array.from({ length: 3 }, () => ['id_not_string', '/groupId'])
  )
  for (const { event } of refused) t.equal((event as Json)['groupId'], 77)
  for (const { sample, answer, records } of all) {
    if (sample.method !== 'POST') continue
    t.equal(records.length, sample.events.length, `${sample.recording}: every event has its record`)
    const bad = rejectedOf(records).length
    t.equal(
      answer.status,
      bad < records.length ? 200 : 400,
      `${sample.recording}: ${sample.url} has the expected status`
    )
    if (bad === 0) t.equal(answer.text, '{"success":true}')
    else
      t.match(JSON.parse(answer.text), { accepted: records.length - 1, rejected: 1 }, 'only the bad event is refused')
  }
})

t.test("every record is the event as it was sent, with only the server's fields added", async t => {
  for (const { sample, records } of legal('compatible')) {
    const shared = JSON.parse(sample.body ?? '{}') as Json
    for (const [index, record] of eventsOf(records).entries()) {
      const value = valueOf(record)
      const sent = sentFor(sample, value, index) as Json
      for (const [key, before] of Object.entries(sent)) {
        if (key === 'writeKey' || key === 'timestamp') continue
        if (key === 'context') t.match(value[key], before, `${sample.recording}: the context keeps all its members`)
        else t.strictSame(value[key], before, `${sample.recording}: ${key} is unchanged`)
      }
      const added = Object.keys(value).filter(key => !(key in sent) && !OURS.includes(key))
      const fromEnvelope = ['context', 'integrations'].filter(key => key in shared && !(key in sent))
      t.strictSame(added, fromEnvelope, `${sample.recording}: no other key was added`)
      t.notMatch(record.line.toString(), /"writeKey"|wk_sample/, 'the key is not published')
    }
  }
})

t.test('a batch that is too large and a body that is not JSON are refused as a whole', async t => {
  const oddities = exchanges.compatible.get('oddities') ?? []
  t.same(
    oddities.map(({ answer }) => [answer.status, /payload_too_large|invalid_json/.exec(answer.text)?.[0]]),
    [
      [400, 'payload_too_large'],
      [400, 'invalid_json']
    ]
  )
  t.same(
    oddities.flatMap(({ records }) => eventsOf(records)),
    []
  )
})

t.test('every record matches its schema, and has the key that partitions it', async t => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false })
  addSafeFormats(ajv)
  const [event, rejected] = ['event', 'rejected'].map(name =>
    ajv.compile(JSON.parse(readFileSync(new URL(`../../schemas/${name}.schema.json`, import.meta.url), 'utf8')) as Json)
  )
  let checked = 0
  for (const { records } of MODES.flatMap(mode => [...exchanges[mode].values()].flat())) {
    for (const record of records) {
      const value = valueOf(record)
      const validate = record.kind === 'event' ? event : rejected
      t.ok(validate?.(value), ajv.errorsText(validate?.errors))
      if (record.kind === 'event') t.equal(record.key, value['userId'] || value['anonymousId'])
      checked++
    }
  }
  t.ok(checked > 400, `${checked} records were checked`)
})

t.test(
  'every answer follows the contract and can be read by pages, and preflights allow what was requested',
  async t => {
    for (const { sample, answer } of MODES.flatMap(mode => [...exchanges[mode].values()].flat())) {
      const { method, url: path, headers } = sample
      assertAnswerMatchesContract(t, {
        method,
        path,
        status: answer.status,
        headers: answer.headers,
        body: answer.text
      })
      t.equal(answer.headers['access-control-allow-origin'], '*')
      if (method !== 'OPTIONS') {
        t.match(answer.headers['access-control-expose-headers'], /retry-after/i)
        continue
      }
      const asked = (headers['access-control-request-headers'] ?? '').split(',')
      const allowed = (answer.headers['access-control-allow-headers'] ?? '').split(',').map(name => name.trim())
      t.same(
        asked.filter(name => !allowed.includes(name)),
        [],
        'every requested header is allowed'
      )
      t.match(answer.headers['access-control-allow-methods'], /POST/)
      t.match(answer.headers['access-control-max-age'], /^\d+$/)
    }
  }
)

t.test('docs/sdks.md lists what strict mode refuses of the recordings, and why', async t => {
  const refusals = new Map<string, Set<string>>()
  let [events, refused] = [0, 0]
  for (const { sample, records } of legal('strict')) {
    events += records.length
    for (const { code, pointer, event } of rejectedOf(records).map(valueOf)) {
      refused++
      const what = `| \`${String(code)}\` | \`${String(pointer)}\` | ${shown(event as Json, String(pointer))} |`
      refusals.set(what, (refusals.get(what) ?? new Set()).add(sample.recording))
    }
  }
  const rows = [...refusals].map(([what, recordings]) => `${what} ${[...recordings].join(', ')} |`).toSorted()
  const table = [
    `Strict mode refuses ${refused} of ${events} events:`,
    '',
    '| code | field | value | recordings |',
    '|---|---|---|---|',
    ...rows
  ]
  const document = readFileSync(DOCUMENT, 'utf8')
  t.ok(document.includes(table.join('\n')), `docs/sdks.md contains this table:\n${table.join('\n')}`)
})

/** The value at a pointer into an event. */
function shown(event: Json, pointer: string): string {
  let value: unknown = event
  for (const key of pointer.split('/').slice(1)) value = (value as Json | undefined)?.[key]
  return value === undefined ? 'nothing' : `\`${JSON.stringify(value)}\``
}
