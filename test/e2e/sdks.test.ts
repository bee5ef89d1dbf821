/**
 * The real SDKs against the real server and a real Kafka: one call of each type, over a 503 and a 429, each event
 * read back once. Takes as long as the SDK for Java waits before it sends again: 15 s, and then half a minute. `node scripts/sdk-table.ts` runs it and prints what it found as the table of docs/sdks.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { addSafeFormats } from '../../src/contract/formats.ts'
import type { EventType } from '../../src/model/event-types.ts'
import { EVENT_TYPES } from '../../src/model/event-types.ts'
import { post, startApp } from '../support/app.ts'
import { readySink } from '../support/kafka-sink.ts'
import type { ReadRecord } from '../support/kafka-topics.ts'
import { javaPartition, readTopic, startKafka } from '../support/kafka.ts'
import {
  browserBatchingSdk,
  browserNpmSdk,
  browserSdk,
  pageWithTag,
  strangers,
  visit
} from '../support/sdks/browser-sdk.ts'
import type { Gate } from '../support/sdks/gate.ts'
import { openGate } from '../support/sdks/gate.ts'
import { createOutageSink } from '../support/sdks/outage.ts'
import type { SdkRun } from '../support/sdks/run.ts'
import { javaSdk, nodeSdk, pythonGzipSdk, pythonPlainSdk, rudderSdk } from '../support/sdks/server-sdks.ts'
import type { SdkRow } from '../support/sdks/table.ts'
import { TABLE_FILE, toTable } from '../support/sdks/table.ts'
import { until } from '../support/until.ts'

const SDKS: readonly SdkRun[] = [
  nodeSdk,
  rudderSdk,
  browserSdk,
  browserBatchingSdk,
  browserNpmSdk,
  pythonPlainSdk,
  pythonGzipSdk,
  javaSdk
]
const PARTITIONS = 6
const DRAINED = 'wk_drained'
const MARKER = `m${Date.now()}`
const CONFIG = `
sources:
${SDKS.map(({ source }) => `  - { id: ${source}, writeKeys: [wk_${source}] }`).join('\n')}
  - { id: drained, writeKeys: [${DRAINED}], rateLimit: { requestsPerSecond: 1 } }
`

const gates = new Map<string, Gate>()
let records: ReadRecord[] = []
let serverUrl = ''

t.before(async () => {
  const kafka = await startKafka()
  t.teardown(() => kafka.stop())
  const topics = { EVENTS_TOPIC: `sdks.${MARKER}`, REJECTED_TOPIC: `sdks.rejected.${MARKER}` }
  const wanted = Object.values(topics)
  const { sink: kafkaSink } = await readySink(t, kafka.brokers, {
    wanted,
    publishTimeoutMs: 5_000,
    topics: { create: true, partitions: PARTITIONS }
  })
  const sink = createOutageSink(kafkaSink)
  // A clock that stands still for the rate limiter: what is drained stays so.
  const clock = { now: () => Date.now(), monotonic: () => 0 }
  const { url } = await startApp(t, { config: CONFIG, env: topics, sink, clock })
  serverUrl = url
  const drain = () => post(`${url}/v1/track`, { writeKey: DRAINED, userId: 'u', event: 'one too many' }, {})
  await until(async () => (await drain()).status === 429, { what: 'a source over its rate' })

  await Promise.all(
    SDKS.map(async ({ source, send }) => {
      const gate = await openGate(t, { url, failNext: () => sink.failNext(source), drainedKey: DRAINED })
      gates.set(source, gate)
      const delivered = (count: number): Promise<void> =>
        until(() => sink.stored(source) >= count, {
          what: `${count} events of ${source}`,
          timeoutMs: 60_000,
          seen: () => `${sink.stored(source)} stored; passed: ${JSON.stringify(gate.passed)}`
        })
      await send({ url: gate.url, writeKey: `wk_${source}`, marker: `${MARKER}-${source}`, delivered })
    })
  )
  records = await readTopic(kafka.brokers, topics.EVENTS_TOPIC)
})

type Value = Record<string, unknown>

function markerOf(value: Value): unknown {
  const { type, previousId, properties, traits } = value
  return type === 'alias' ? previousId : ((properties ?? traits) as Value | undefined)?.['marker']
}

function expectedOf({ source, extra = {} }: SdkRun): Map<string, EventType> {
  const calls = [...EVENT_TYPES.map(type => [type, type] as const), ...Object.entries(extra)]
  return new Map(calls.map(([end, type]) => [`${MARKER}-${source}-${end}`, type]))
}

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false })
addSafeFormats(ajv)
const isEvent = ajv.compile(
  JSON.parse(readFileSync(new URL('../../schemas/event.schema.json', import.meta.url), 'utf8')) as Value
)

for (const sdk of SDKS) {
  t.test(`${sdk.name}: each event is in Kafka exactly once, with its key, headers, partition and value`, async t => {
    const own = records.filter(({ headers }) => headers['source'] === sdk.source)
    const expected = expectedOf(sdk)
    t.same(
      own.map(({ value }) => String(markerOf(JSON.parse(value) as Value))).toSorted(),
      [...expected.keys()].toSorted()
    )
    for (const { key, headers, partition, value: text, timestamp } of own) {
      const value = JSON.parse(text) as Value
      t.ok(isEvent(value), ajv.errorsText(isEvent.errors))
      t.equal(value['type'], expected.get(String(markerOf(value))))
      t.equal(key, value['userId'] ?? value['anonymousId'])
      t.equal(partition, javaPartition(String(key), PARTITIONS))
      t.same(headers, {
        type: value['type'],
        source: sdk.source,
        messageId: value['messageId'],
        receivedAt: value['receivedAt']
      })
      t.equal(timestamp, Date.parse(String(value['receivedAt'])))
      t.match(value, { projectId: sdk.source, version: 2 })
      t.match(value['context'], { library: { name: /\w/, version: /\d/ } })
      t.notMatch(text, `wk_${sdk.source}`, 'the key is not published')
    }
  })

  t.test(`${sdk.name}: a 503 and a 429 were sent again`, async t => {
    const posts = gates.get(sdk.source)?.passed.filter(({ method }) => method === 'POST') ?? []
    t.same(new Set(posts.map(({ status }) => status)), new Set([503, 429, 200]))
  })
}

t.test('a browser that is refused its settings asks nobody else', async t => {
  const installed = { url: serverUrl, writeKey: 'wk_browser' }
  const revoked = `analytics = []; analytics._writeKey = 'wk_revoked'`
  const html = pageWithTag(installed, `analytics.track('Lost')`, revoked)
  await visit(html, '', async visited => {
    const settings = `${serverUrl}/v1/projects/wk_revoked/settings`
    await until(() => visited.asked.includes(settings), { what: 'the settings to be asked for' })
    // What the SDK says of its failure is posted at once; over https, for want of settings.
    await until(() => visited.asked.some(url => url.endsWith('/v1/m')), { what: 'the failure to be told' })
    t.same(
      strangers(visited, serverUrl).filter(url => new URL(url).host !== new URL(serverUrl).host),
      []
    )
  })
})

t.test('docs/sdks.md has the table of this run', async t => {
  const rows = SDKS.map((sdk): SdkRow => {
    const expected = expectedOf(sdk)
    const found = records.filter(({ headers }) => headers['source'] === sdk.source)
    const markers = found.map(({ value }) => markerOf(JSON.parse(value) as Value))
    const posts = gates.get(sdk.source)?.passed.filter(({ method }) => method === 'POST') ?? []
    return {
      name: sdk.name,
      version: sdk.version(),
      calls: expected.size,
      once: [...expected.keys()].filter(marker => markers.filter(each => each === marker).length === 1).length,
      retried: [503, 429].filter(status => posts.some(each => each.status === status))
    }
  })
  const table = toTable(rows)
  mkdirSync(join(TABLE_FILE, '..'), { recursive: true })
  writeFileSync(TABLE_FILE, table)
  const document = readFileSync(new URL('../../docs/sdks.md', import.meta.url), 'utf8')
  t.ok(document.includes(table), `docs/sdks.md has this table:\n${table}`)
})
