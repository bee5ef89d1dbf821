import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { VIOLATION_EVENT_BOUNDS, ViolationEvents } from '../../../../src/governance/plans/events/violation-events.ts'
import { restoreRecord } from '../../../../src/ingest/route/restore.ts'
import { createRouter } from '../../../../src/ingest/route/route.ts'
import type { Effect } from '../../../../src/model/governance/rules.ts'
import { createRecord } from '../../../../src/model/record.ts'
import type { RequestReport } from '../../../../src/model/report.ts'
import { SinkUnavailable } from '../../../../src/model/sink.ts'
import { KEY, post, postUntilTaken, startApp } from '../../../support/app.ts'
import type { TestApp } from '../../../support/app.ts'
import { readMetrics, sumOf } from '../../../support/metrics.ts'
import { recordFault } from '../../../support/record-schemas.ts'
import { until } from '../../../support/until.ts'

const PLAN = {
  id: 'rs_1',
  name: 'Shop',
  rules: [
    {
      type: 'track',
      event: 'Order',
      schema: {
        properties: { properties: { type: 'object', properties: { total: { type: 'number' } }, required: ['id'] } },
        required: ['properties']
      }
    }
  ]
}
const TOPICS = { EVENTS_TOPIC: 'all.{source}', REJECTED_TOPIC: 'bad', VIOLATIONS_TOPIC: 'violations.{source}' }

interface Options {
  readonly modes?: Record<string, string>
  readonly env?: Record<string, string>
  readonly more?: string
  readonly sink?: 'configured'
}

async function start(t: Test, { modes = {}, env = {}, more = '', sink }: Options = {}): Promise<TestApp> {
  // The test has a folder of its own, which the server's folder would replace.
  const folder = mkdtempSync(join(tmpdir(), 'tributary-plan-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const planFile = join(folder, 'plan.json')
  writeFileSync(planFile, JSON.stringify(PLAN))
  const config = `
sources:
  - { id: web, name: Web shop, writeKeys: [${KEY}] }
destinations: [{ name: Ads, topic: ads }, { name: Mail, topic: 'mail.{type}' }]
plan: { file: ${planFile}, enforce: ${JSON.stringify(modes)} }
${more}`
  return startApp(t, { config, env: { ...TOPICS, ...env }, ...(sink === undefined ? {} : { sink }) })
}

const violationsOf = ({ sink }: TestApp) =>
  sink.records
    .filter(({ kind }) => kind === 'violation')
    .map(record => ({ ...record, value: JSON.parse(record.line.toString()) as Record<string, unknown> }))

async function untilThere(app: TestApp, count: number): Promise<void> {
  const what = `${count} events about violations`
  await until(() => violationsOf(app).length >= count, { what, timeoutMs: 30_000 })
}

const counted = async ({ adminUrl }: TestApp, outcome: string): Promise<number> =>
  sumOf(await readMetrics(adminUrl), 'tributary_violation_events_total', { source: 'web', outcome })

t.test("Each violation becomes an event like Segment's violation events, only on the topic of violations", async t => {
  const app = await start(t)
  const context = {
    app: { name: 'Shop', version: '1.2', secret: { deep: 'value' } },
    library: { name: 'js', version: '3' }
  }
  const sentAt = '2026-11-23T12:00:00.000Z'
  const order = {
    type: 'track',
    userId: 'ann',
    event: 'Order',
    messageId: 'm-1',
    properties: { total: 'raw value' },
    sentAt
  }
  t.equal((await postUntilTaken(`${app.url}/v1/batch`, { batch: [order], context })).status, 200)
  await untilThere(app, 2)
  const found = violationsOf(app)
  t.strictSame(
    found.map(({ topics }) => topics),
    [['violations.web'], ['violations.web']]
  )
  t.strictSame(
    new Set(found.map(({ value }) => (value['properties'] as Record<string, unknown>)['violationField'])),
    new Set(['properties.id', 'properties.total'])
  )
  const about = {
    appVersion: '1.2',
    eventMessageID: 'm-1',
    eventName: 'Order',
    eventSentAt: sentAt,
    eventTimestamp: String,
    eventType: 'track',
    sourceID: 'web',
    sourceName: 'Web shop',
    sourceSlug: 'web',
    trackingPlanID: 'rs_1',
    trackingPlanName: 'Shop'
  }
  for (const { value, line, key, messageId } of found) {
    t.match(value, {
      type: 'track',
      event: 'Violation Generated',
      userId: 'schema-violations',
      messageId: /^sch-/,
      context: { app: { name: 'Shop', version: '1.2' }, library: context.library },
      integrations: {},
      properties: about,
      forwardedFromProject: 'web'
    })
    t.equal(recordFault('violation', line.toString()), undefined)
    t.strictSame([key, messageId], ['schema-violations', value['messageId']])
    t.notMatch(line.toString(), /raw value|ann|deep/, 'the violation event has no value of the event')
  }
  const events = app.sink.records.filter(({ kind }) => kind === 'event')
  t.strictSame(
    events.map(({ topics }) => topics),
    [['all.web', 'ads', 'mail.track']],
    'the event goes to its own topics'
  )
  await until(async () => (await counted(app, 'published')) === 2, {
    what: 'two counted violation events',
    timeoutMs: 30_000
  })
})

t.test(
  'Blocked events cause violation events; duplicates, events without a plan and violation events do not',
  async t => {
    const app = await start(t, { modes: { violations: 'block', unplannedEvents: 'report' } })
    const order = {
      type: 'track',
      userId: 'u',
      event: 'Order',
      messageId: 'm-1',
      properties: {},
      context: { library: { name: 'x' } }
    }
    const own = { type: 'track', userId: 'u', event: 'Violation Generated', messageId: 'sch-1', properties: {} }
    const other = { type: 'track', userId: 'u', event: 'Other', messageId: 'm-2' }
    for (let round = 0; round < 3; round++) {
      t.equal((await postUntilTaken(`${app.url}/v1/batch`, { batch: [order, own, other] })).status, 200)
    }
    await untilThere(app, 2)
    await app.app.close()
    const found = violationsOf(app).map(({ value }) => value)
    t.match(
      found.map(({ properties, context }) => ({ properties, context })),
      [
        {
          properties: { eventMessageID: 'm-1', violationType: 'Required' },
          context: { app: null, library: { name: 'x' } }
        },
        { properties: { eventMessageID: 'm-2', violationType: 'Unplanned Event' }, context: { app: null } }
      ]
    )
    t.equal(found.length, 2)
  }
)

t.test('An event that could not be made durable causes no violation event until it is sent again', async t => {
  const app = await start(t)
  const order = { userId: 'u', event: 'Order', messageId: 'm-1', properties: {} }
  app.sink.failure = new SinkUnavailable('away')
  t.equal((await post(`${app.url}/v1/track`, order)).status, 503)
  app.sink.failure = undefined
  t.equal((await postUntilTaken(`${app.url}/v1/track`, order)).status, 200)
  await untilThere(app, 1)
  await app.app.close()
  t.equal(violationsOf(app).length, 1)
})

t.test('Without VIOLATIONS_TOPIC there are none', async t => {
  const app = await start(t, { env: { VIOLATIONS_TOPIC: '' } })
  await postUntilTaken(`${app.url}/v1/track`, { userId: 'u', event: 'Order', properties: {} })
  await app.app.close()
  t.strictSame(violationsOf(app), [])
  t.equal(app.sink.records.length, 1)
})

t.test('A flood of violations is limited, and every omitted one is counted', async t => {
  const app = await start(t)
  const batch = Array.from({ length: 2_000 }, (_, n) => ({
    type: 'track',
    userId: 'u',
    event: `E${n}`,
    messageId: `m${n}`
  }))
  const begun = performance.now()
  t.equal((await postUntilTaken(`${app.url}/v1/batch`, { batch })).status, 200)
  const seconds = (performance.now() - begun) / 1000
  const { burst, perSecond } = VIOLATION_EVENT_BOUNDS
  await untilThere(app, burst)
  const total = async (): Promise<number> => (await counted(app, 'published')) + (await counted(app, 'over_limit'))
  await until(async () => (await total()) === 2_000, { what: '2,000 counted violation events', timeoutMs: 30_000 })
  const published = violationsOf(app).length
  t.ok(published <= burst + perSecond * seconds + 1, `${published} of 2,000 events were published in ${seconds} s`)
  t.equal(await counted(app, 'published'), published)
})

t.test('Events that wait for a slow sink are bounded, failures are counted, and a stop publishes the rest', async t => {
  const { waiting } = VIOLATION_EVENT_BOUNDS
  const counts: Record<string, number> = {}
  const calls: { size: number; resolve: () => void; reject: (error: Error) => void }[] = []
  let now = 0
  const events = new ViolationEvents({
    sink: {
      publish: records =>
        new Promise((resolve, reject) => {
          calls.push({
            size: records.length,
            resolve: () => resolve({ marks: [], read: () => [], released: true }),
            reject
          })
        })
    },
    topicsOf: () => ['violations'],
    clock: { now: () => 0, monotonic: () => now },
    count: (_source, outcome, n) => (counts[outcome] = (counts[outcome] ?? 0) + n),
    log: { error: (_fields, message) => t.fail(message) }
  })
  const differ = (n: number): void => {
    // Time goes on, so that only memory is a bound.
    now += 10_000
    const effect = { rule: 'plan_report', detail: '' } as const
    const reported = {
      kind: 'unplanned_event',
      type: 'Unplanned Event',
      field: 'event',
      description: '',
      path: [],
      done: 'report'
    } as const
    events.note(effect, {
      source: { id: 'web', name: '' },
      plan: { id: '', name: '' },
      name: 'E',
      reported: [reported]
    })
    events.observe(reportOf(effect, `m${n}`))
  }
  differ(0)
  await until(() => calls.length === 1, { what: 'the first call', timeoutMs: 30_000 })
  for (let n = 1; n <= waiting + 5; n++) differ(n)
  t.strictSame(counts, { over_limit: 5 })
  calls[0]?.reject(new SinkUnavailable('away'))
  await until(() => calls.length === 2, { what: 'the second call', timeoutMs: 30_000 })
  t.strictSame(counts, { over_limit: 5, failed: 1 })
  differ(-1)
  const closed = events.close()
  calls[1]?.resolve()
  await until(() => calls.length === 3, { what: 'the call of the stop', timeoutMs: 30_000 })
  differ(-2)
  calls[2]?.resolve()
  await closed
  t.strictSame(
    calls.map(({ size }) => size),
    [1, waiting, 1]
  )
  t.strictSame(counts, { over_limit: 5, failed: 1, published: waiting + 1 })
})

/** One accepted event on which a rule had this effect. */
function reportOf(effect: Effect, messageId: string): RequestReport {
  const line = Buffer.from('{"event":"E"}\n')
  const event = {
    kind: 'event',
    type: 'track',
    code: undefined,
    source: 'web',
    receivedAt: 0,
    topics: ['all']
  } as const
  const record = createRecord({ ...event, line, messageId, key: '' })
  const report = {
    ...record,
    outcome: 'accepted',
    effects: [effect],
    start: 0,
    end: 0,
    fault: undefined,
    place: 0
  } as const
  const timings = { judgeMs: 0, encodeMs: 0, publishMs: 0 }
  const request = {
    source: 'web',
    endpoint: 'track',
    address: '',
    receivedAt: 0,
    body: line,
    receipt: undefined
  } as const
  return { ...request, events: [report], timings }
}

t.test('Without Kafka they are in a folder of their own, and not in the log of events', async t => {
  const app = await start(t, { sink: 'configured' })
  await postUntilTaken(`${app.url}/v1/track`, { userId: 'u', event: 'Order', messageId: 'm-1', properties: {} })
  await app.app.close()
  const read = (folder: string): string => {
    const dir = join(app.dir, 'data', folder)
    const names = readdirSync(dir).filter(name => name.endsWith('.ndjson'))
    return names.map(name => readFileSync(join(dir, name), 'utf8')).join('')
  }
  const lines = read('violations').trimEnd().split('\n')
  t.equal(lines.length, 1)
  t.equal(recordFault('violation', lines[0] as string), undefined)
  t.notMatch(read('events') + read('rejected'), /Violation Generated/)
  t.match(read('events'), /"messageId":"m-1"/)
})

t.test(
  'A line that waited on disk is recognised as a violation event by itself, whatever a client has put into an event',
  async t => {
    const app = await start(t, { modes: { unplannedEvents: 'off' } })
    await postUntilTaken(`${app.url}/v1/track`, { userId: 'u', event: 'Order', properties: {} })
    await untilThere(app, 1)
    const own = violationsOf(app)[0]?.value
    const destinations = ['Ads', 'Mail'].map(name => {
      const all = { sources: undefined, types: undefined, enabled: true }
      return { name, topic: `to.${name}`, ...all }
    })
    const topics = { eventsTopic: 'all', rejectedTopic: 'bad', destinations }
    const router = createRouter({ ...topics, violationsTopic: 'violations' })
    const imitations = fc.record(
      {
        forwardedFromProject: fc.constantFrom<unknown>('web', 7, null),
        version: fc.constantFrom<unknown>(null, 1, 2),
        projectId: fc.constantFrom<unknown>(null, 'other'),
        code: fc.constantFrom<unknown>('unplanned', 7),
        source: fc.constant('web'),
        kind: fc.constant('violation')
      },
      { requiredKeys: [] }
    )
    await fc.assert(
      fc.asyncProperty(imitations, fc.integer({ min: 0, max: 1e9 }), async (members, n) => {
        const before = app.sink.records.length
        const imitated = { ...own, integrations: { All: true }, ...members, messageId: `sch-${n}-${before}` }
        const answer = await postUntilTaken(`${app.url}/v1/track`, imitated)
        if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
        const line = app.sink.records.slice(before).find(({ kind }) => kind !== 'violation')?.line
        const restored = restoreRecord(line as Buffer, router)
        t.strictSame([restored?.kind, restored?.topics], ['event', ['all', 'to.Ads', 'to.Mail']])
      }),
      { numRuns: 60 }
    )
    const line = violationsOf(app)[0]?.line as Buffer
    const restored = restoreRecord(line, router)
    t.match(restored, { kind: 'violation', type: 'track', source: 'web', topics: ['violations'] })
    t.strictSame(
      restoreRecord(line, createRouter(topics))?.topics,
      [],
      'a router without a topic of violations returns no topic'
    )
  }
)

t.test('A topic of events or of a destination is refused as VIOLATIONS_TOPIC, with its position', async t => {
  const starts = (env: Record<string, string>, more = '') => start(t, { env, more })
  const refused = /VIOLATIONS_TOPIC/
  await t.rejects(starts({ VIOLATIONS_TOPIC: 'all.web' }), refused)
  await t.rejects(starts({ VIOLATIONS_TOPIC: 'bad' }), refused)
  await t.rejects(starts({ VIOLATIONS_TOPIC: 'mail.track' }), /tributary\.yml:\d+:\d+.*VIOLATIONS_TOPIC/)
  await t.rejects(starts({ VIOLATIONS_TOPIC: 'ads' }), refused)
  const app = await starts({ VIOLATIONS_TOPIC: 'mail.violations' })
  t.equal(app.sink.records.length, 0)
})
