import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { CONFIG, post, startApp } from '../support/app.ts'
import { readTopic, startKafka } from '../support/kafka.ts'
import type { ReadRecord } from '../support/kafka-topics.ts'
import { MAIN, run } from '../cli/run.ts'

const PREFIX = `privacy-${process.pid}`
const TOPICS = { events: `${PREFIX}.events`, rejected: `${PREFIX}.rejected`, ads: `${PREFIX}.ads`, plan: 'plan.json' }
/** Requests of clients contain each of these values, and no topic may contain one. */
const RAW = ['ann.raw@example.com', 'user-raw-4711', 'card-raw-4242', 'gone-raw-user', '203.0.113.77', '198.51.100.7']

const RULES = `${CONFIG}
destinations: [{ name: Ads, topic: ${TOPICS.ads} }]
privacy:
  ip: truncate
  drop: [properties.card]
  hash: [userId]
  hashKeys: ['*email*']
suppress: { users: ['sha256:${hash('sha256', 'gone-raw-user')}'] }
plan: { file: ${TOPICS.plan}, enforce: { unplannedEvents: block } }
`
const PLAN = { name: 'p', rules: [{ type: 'track', event: 'Planned', schema: {} }] }

const kafka = await startKafka()
t.teardown(() => kafka.stop())

/** All that a reader can see of a record. */
const textOf = ({ key, value, headers }: ReadRecord): string => JSON.stringify([key, value, headers])

t.test('no raw value of a suppressed user, or of a dropped or hashed field, is on any topic', async t => {
  const env = {
    KAFKA_BROKERS: kafka.brokers.join(),
    EVENTS_TOPIC: TOPICS.events,
    REJECTED_TOPIC: TOPICS.rejected,
    PRIVACY_HASH_KEY: 'a key of the tests',
    TRUST_PROXY: 'true',
    PUBLISH_TIMEOUT: '30s'
  }
  // The test has a folder of its own, which the server's folder would replace.
  const folder = mkdtempSync(join(tmpdir(), 'tributary-plan-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const plan = join(folder, TOPICS.plan)
  writeFileSync(plan, JSON.stringify(PLAN))
  const server = await startApp(t, { config: RULES.replace(TOPICS.plan, plan), env, sink: 'configured' })
  const headers = { authorization: `Basic ${btoa('wk_test:')}`, 'x-forwarded-for': '203.0.113.77' }
  const properties = { card: 'card-raw-4242', n: { userEmail: 'ann.raw@example.com' }, stays: 1 }
  const context = { ip: '198.51.100.7' }
  const good = { type: 'track', userId: 'user-raw-4711', event: 'Planned', properties, context }
  const send = (path: string, body: unknown) => post(`${server.url}/v1/${path}`, body, headers)
  t.equal((await send('track', good)).status, 200)
  await send('batch', {
    batch: [good, { ...good, userId: 'gone-raw-user' }, { ...good, event: 'Unplanned' }, { ...good, event: 7 }]
  })
  await send('alias', { userId: 'new', previousId: 'user-raw-4711', context })
  await send('alias', { userId: 'new', previousId: 'gone-raw-user', context })
  await send('batch', `{"batch":[${JSON.stringify(good)},{"userId":"gone-raw-user","n":NaN}]}`)
  await send('batch', `{"batch":[${JSON.stringify(good)}`)
  await server.app.close()

  const read = {
    events: await readTopic(kafka.brokers, TOPICS.events, { count: 4 }),
    ads: await readTopic(kafka.brokers, TOPICS.ads, { count: 4 }),
    rejected: await readTopic(kafka.brokers, TOPICS.rejected, { count: 2 })
  }
  t.ok(
    read.events.some(({ value }) => value.includes('"stays":1')),
    'the topic has the accepted events'
  )
  t.match(read.rejected.map(({ value }) => value).join(''), /"code":"unplanned"/, 'the topic has the blocked events')
  const all = Object.values(read).flat().map(textOf).join('\n')
  for (const raw of RAW) {
    const spellings = [0, 1, 2].map(at =>
      Buffer.from('x'.repeat(at) + raw)
        .toString('base64')
        .slice(4, -4)
    )
    t.strictSame(
      [raw, ...spellings].filter(text => all.includes(text)),
      [],
      raw
    )
  }
})

t.test('forget tells a topic which users must be deleted, and again each time it runs', async t => {
  const topic = `${PREFIX}.deletions`
  const dir = t.testdir({ data: {} })
  writeFileSync(join(dir, 'tributary.yml'), CONFIG)
  const env = { KAFKA_BROKERS: kafka.brokers.join() }
  const forget = () =>
    run(process.execPath, [MAIN, 'forget', '--user', 'ann', '--user', 'b"ü', '--topic', topic], { cwd: dir, env })
  t.match(await forget(), { code: 0, stdout: `0 records of 0 files are gone\n2 deletion records sent to ${topic}\n` })
  const records = await readTopic(kafka.brokers, topic, { count: 2 })
  const byKey = records.toSorted((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1))
  t.strictSame(
    byKey.map(({ key }) => key),
    ['ann', 'b"ü'],
    "the key is the id, like the key of the user's events"
  )
  t.match(JSON.parse(byKey[1]?.value ?? ''), {
    type: 'deletion',
    userId: 'b"ü',
    requestedAt: String,
    messageId: /^deletion-/
  })
  t.equal((await forget()).code, 0)
  t.equal((await readTopic(kafka.brokers, topic, { count: 4 })).length, 4)
})
