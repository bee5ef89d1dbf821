/**
 * The real SDKs with the real server and a real Kafka: one call of each type, with a 503 and a 429 first, and each
 * event is read back once. The test takes as long as the SDK for Java waits before its retries: 15 s, and then 30 s.
 * `node scripts/sdk-table.ts` runs it and prints the results as the table of docs/sdks.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { addSafeFormats } from '../../src/contract/formats.ts'
import { javaPartition } from '../support/kafka.ts'
import {
  browserBatchingSdk,
  browserNpmSdk,
  browserSdk,
  pageWithTag,
  strangers,
  visit
} from '../support/sdks/browser-sdk.ts'
import type { SentIntoKafka } from '../support/sdks/into-kafka.ts'
import { countOnce, markerOf, PARTITIONS, sendIntoKafka } from '../support/sdks/into-kafka.ts'
import type { SdkRun } from '../support/sdks/run.ts'
import { javaSdk, nodeSdk, pythonGzipSdk, pythonPlainSdk, rudderSdk } from '../support/sdks/server-sdks.ts'
import type { SdkRow } from '../support/sdks/table.ts'
import { TABLE_FILE, toTable } from '../support/sdks/table.ts'
import { MOST_USED_OF_ZOO } from '../support/sdks/zoo/zoo.ts'
import { until } from '../support/until.ts'

const SDKS: readonly SdkRun[] = [
  nodeSdk,
  rudderSdk,
  browserSdk,
  browserBatchingSdk,
  browserNpmSdk,
  pythonPlainSdk,
  pythonGzipSdk,
  javaSdk,
  ...MOST_USED_OF_ZOO
]
let sent: SentIntoKafka

t.before(async () => {
  sent = await sendIntoKafka(t, SDKS, { run: send => Promise.all(SDKS.map(send)) })
})

type Value = Record<string, unknown>

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false })
addSafeFormats(ajv)
const isEvent = ajv.compile(
  JSON.parse(readFileSync(new URL('../../schemas/event.schema.json', import.meta.url), 'utf8')) as Value
)

for (const sdk of SDKS) {
  t.test(`${sdk.name}: each event is in Kafka exactly once, with its key, headers, partition and value`, async t => {
    const own = sent.records.filter(({ headers }) => headers['source'] === sdk.source)
    const expected = sent.expectedOf(sdk)
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
    const posts = sent.gates.get(sdk.source)?.passed.filter(({ method }) => method === 'POST') ?? []
    t.same(new Set(posts.map(({ status }) => status)), new Set([503, 429, 200]))
  })
}

t.test('a browser whose request for settings is refused asks no other server', async t => {
  const installed = { url: sent.serverUrl, writeKey: sent.keyOf('browser') }
  const revoked = `analytics = []; analytics._writeKey = 'wk_revoked'`
  const html = pageWithTag(installed, `analytics.track('Lost')`, revoked)
  await visit(html, '', async visited => {
    const settings = `${sent.serverUrl}/v1/projects/wk_revoked/settings`
    await until(() => visited.asked.includes(settings), { what: 'a request for the settings' })
    // The SDK posts its report about the failure at once, and over https, because it has no settings.
    await until(() => visited.asked.some(url => url.endsWith('/v1/m')), { what: 'a report of the failure' })
    t.same(
      strangers(visited, sent.serverUrl).filter(url => new URL(url).host !== new URL(sent.serverUrl).host),
      []
    )
  })
})

t.test('docs/sdks.md has the table of this run', async t => {
  const rows = SDKS.map((sdk): SdkRow => {
    const expected = sent.expectedOf(sdk)
    const posts = sent.gates.get(sdk.source)?.passed.filter(({ method }) => method === 'POST') ?? []
    return {
      name: sdk.name,
      version: sdk.version(),
      calls: expected.size,
      once: countOnce(sent.records, sdk.source, expected),
      retried: [503, 429].filter(status => posts.some(each => each.status === status))
    }
  })
  const table = toTable(rows)
  mkdirSync(join(TABLE_FILE, '..'), { recursive: true })
  writeFileSync(TABLE_FILE, table)
  const document = readFileSync(new URL('../../docs/sdks.md', import.meta.url), 'utf8')
  t.ok(document.includes(table), `docs/sdks.md contains this table:\n${table}`)
})
