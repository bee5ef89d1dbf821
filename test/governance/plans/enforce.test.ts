import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { KEY, post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { scanObject } from '../../../src/ingest/parse/scan.ts'
import { until } from '../../support/until.ts'
import { MAIN, run } from '../../cli/run.ts'

const ORDER = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    total: { type: 'number' },
    items: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } }
  },
  required: ['id']
}
const PLAN = {
  name: 'Shop',
  rules: [
    { type: 'track', event: 'Order', schema: { properties: { properties: ORDER }, required: ['properties'] } },
    {
      type: 'identify',
      schema: { properties: { traits: { type: 'object', properties: { age: { type: 'integer' } } } } }
    }
  ],
  common: { properties: { context: { properties: { env: { enum: ['prod'] } } } } }
}

type Modes = Record<string, string>

interface Governed extends TestApp {
  readonly planFile: string
  readonly lines: () => Record<string, unknown>[]
}

/** A server whose only source has the plan, with these modes for all violations. */
async function start(t: Test, modes: Modes, options: { plan?: object; sink?: 'configured' } = {}): Promise<Governed> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-plan-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const planFile = join(folder, 'plan.json')
  writeFileSync(planFile, JSON.stringify(options.plan ?? PLAN))
  const config = `
sources:
  - id: web
    writeKeys: [${KEY}]
  - id: free
    writeKeys: [wk_free]
    plan: null
plan:
  file: ${planFile}
  enforce: ${JSON.stringify(modes)}
`
  const sink = options.sink === undefined ? {} : { sink: options.sink }
  const app = await startApp(t, { config, ...sink })
  const lines = () => app.sink.records.map(({ line }) => JSON.parse(line.toString()) as Record<string, unknown>)
  return { ...app, planFile, lines }
}

const all = (mode: string): Modes => ({
  unplannedEvents: mode === 'omit' ? 'report' : mode,
  unplannedProperties: mode,
  violations: mode,
  common: mode
})
const order = (properties: unknown, more: object = {}) => ({ userId: 'u', event: 'Order', properties, ...more })
const SUCCESS = { status: 200, body: { success: true } }

t.test(
  'report: an event with violations is published with them in context.protocols, and nothing else is changed',
  async t => {
    const { url, lines, adminUrl } = await start(t, all('report'))
    const body = `{"userId":"u","event":"Order","properties":{"id":"o", "total":"1.10","x":1.10},"context":{"n":1.0,"protocols":{"event_version":1}}}`
    t.match(await post(`${url}/v1/track`, body), SUCCESS)
    t.match(lines()[0]?.['properties'], { id: 'o', total: '1.10', x: 1.1 })
    t.strictSame((lines()[0] as { context: { protocols: object } }).context.protocols, {
      event_version: 1,
      sourceId: 'web',
      violations: [
        { type: 'Unplanned Property', field: 'properties.x', description: 'properties.x is not in the plan' },
        {
          type: 'Invalid Type',
          field: 'properties.total',
          description: 'Invalid type. Expected: number, given: string'
        }
      ]
    })
    const { events } = (await (await fetch(`${adminUrl}/api/events?detail=true`)).json()) as { events: object[] }
    t.match(
      JSON.stringify(events[0]),
      /plan_report: reported: properties\.x \(Unplanned Property\), properties\.total \(Invalid Type\)/
    )
    t.match(
      await (await fetch(`${adminUrl}/metrics`)).text(),
      /tributary_governed_events_total\{source="web",rule="plan_report"\} 1/
    )
    const { violations } = (await (await fetch(`${adminUrl}/api/violations?source=web`)).json()) as {
      violations: object[]
    }
    t.match(violations, [
      {
        source: 'web',
        name: 'Order',
        kind: 'unplanned_property',
        field: 'properties.x',
        events: 1,
        sdks: { unknown: 1 }
      },
      {
        source: 'web',
        name: 'Order',
        kind: 'violation',
        violation: 'Invalid Type',
        field: 'properties.total',
        events: 1
      }
    ])
  }
)

t.test(
  'report: an event that the plan does not know, an identify call and a common schema are also reported',
  async t => {
    const { url, lines } = await start(t, all('report'))
    await post(`${url}/v1/track`, { userId: 'u', event: 'Unknown' })
    await post(`${url}/v1/identify`, { userId: 'u', traits: { age: 1.5, size: 2 } })
    await post(`${url}/v1/track`, order({ id: 'o' }, { context: { env: 'test' } }))
    await post(`${url}/v1/page`, { userId: 'u', name: 'Home' })
    const fields = lines().map(({ context }) =>
      ((context as { protocols?: { violations: { field: string }[] } } | undefined)?.protocols?.violations ?? []).map(
        ({ field }) => field
      )
    )
    t.strictSame(fields, [['event'], ['traits.size', 'traits.age'], ['context.env'], []])
  }
)

t.test('omit: properties that the plan does not name, or refuses, are removed from the bytes', async t => {
  const { url, sink } = await start(t, all('omit'))
  const properties = `{ "x" : {"deep":1}, "id":"o\\u0041","items":[{"sku":"a", "y":2},{"z":1}] , "total": "1.10","big":12345678901234567890}`
  await post(`${url}/v1/track`, `{"userId":"u","event":"Order","properties":${properties}}`)
  const line = sink.records[0]?.line.toString() ?? ''
  t.match(line, `"properties":{ "id":"o\\u0041","items":[{"sku":"a"},{}]}`)
  t.strictSame((JSON.parse(line) as { context: { protocols: object } }).context.protocols, {
    sourceId: 'web',
    violations: [
      ['Unplanned Property', 'properties.x', 'properties.x is not in the plan'],
      ['Unplanned Property', 'properties.items.0.y', 'properties.items.0.y is not in the plan'],
      ['Unplanned Property', 'properties.items.1.z', 'properties.items.1.z is not in the plan'],
      ['Unplanned Property', 'properties.big', 'properties.big is not in the plan'],
      ['Invalid Type', 'properties.total', 'Invalid type. Expected: number, given: string']
    ].map(([type, field, description]) => ({ type, field, description })),
    omitted: ['x', 'items.0.y', 'items.1.z', 'big'],
    omitted_on_violation: ['total']
  })
})

t.test('omit: the context of a batch stays in its events, and is not reported as omitted', async t => {
  const { url, lines, adminUrl } = await start(t, all('omit'))
  const events = ['', ',"context":{"env":"mine","a":1}', ',"context":{"a":1}'].map(
    (own, index) =>
      `{"type":"track","userId":"u","event":"Order","messageId":"m${index}","properties":{"id":"o","total":"x"}${own}}`
  )
  t.match(await post(`${url}/v1/batch`, `{"context":{"env":"test"},"batch":[${events.join()}]}`), { status: 200 })
  const contexts = lines().map(({ context }) => context as { env?: string; protocols: Record<string, unknown> })
  t.strictSame(
    contexts.map(({ env, protocols }) => [env, protocols['omitted_on_violation']]),
    [
      ['test', ['total']],
      ['mine', ['total']],
      ['test', ['total']]
    ]
  )
  const { violations } = (await (await fetch(`${adminUrl}/api/violations`)).json()) as {
    violations: { field: string; done: object }[]
  }
  t.strictSame(
    new Map(violations.map(({ field, done }) => [field, done])),
    new Map([
      ['properties.total', { omit: 3 }],
      ['context.env', { report: 3 }]
    ])
  )
  await post(`${url}/v1/track`, order({ id: 'o' }, { context: { env: 'test' } }))
  t.match(lines().at(-1)?.['context'], { env: undefined, protocols: { omitted_on_violation: ['context.env'] } })
})

t.test(
  'block: the event goes to the rejected topic with its code, the client gets a success, and the event can come again',
  async t => {
    const { app, url, sink, planFile, adminUrl } = await start(t, all('block'))
    const bodies = [
      [{ userId: 'u', event: 'Unknown' }, 'unplanned', '/event'],
      [order({ id: 1 }), 'schema_violation', '/properties/id'],
      [order({ id: 'o', x: 1 }), 'unplanned_property', '/properties/x'],
      [order({ x: 1 }), 'unplanned_and_schema_violation', '/properties/x'],
      [order({ id: 'o' }, { context: { env: 'test' } }), 'common_schema_violation', '/context/env']
    ] as const
    for (const [index, [body, code, pointer]] of bodies.entries()) {
      t.match(await post(`${url}/v1/track`, { ...body, messageId: `m${index}` }), SUCCESS, code)
      const record = sink.records[index]
      t.match(record, { kind: 'rejected', code })
      t.match(JSON.parse(record?.line.toString() ?? ''), {
        event: { ...body, messageId: `m${index}` },
        code,
        pointer,
        source: 'web'
      })
      const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
      t.match(metrics, `tributary_events_total{source="web",type="track",outcome="filtered",code="${code}"} 1`)
    }
    writeFileSync(planFile, JSON.stringify({ name: 'Shop', rules: [{ type: 'track', event: 'Order', schema: {} }] }))
    app.reload()
    await until(
      async () => {
        await post(`${url}/v1/track`, { ...order({ id: 1 }), messageId: 'm1' })
        return sink.records.at(-1)?.kind === 'event'
      },
      { what: 'the corrected plan', timeoutMs: 20_000 }
    )
    t.equal(sink.records.at(-1)?.messageId, 'm1', 'a blocked event claimed no messageId')
  }
)

t.test('a blocked event of a batch keeps the shared members of the batch, and does not affect others', async t => {
  const { url, sink } = await start(t, all('block'))
  const batch = `{"context":{"app":{"v":1.0}},"integrations":{"All":false},"sentAt":"2026-11-23T11:59:59Z","batch":[
    {"type":"track","userId":"u","event":"Order","messageId":"a","properties":{"id":1},"context":{"own":1.10}},
    {"type":"track","userId":"u","event":"Order","messageId":"b","properties":{"id":"o","total":1.10}},
    {"type":"track","event":"Order","messageId":"c"}]}`
  const { status, body } = await post(`${url}/v1/batch`, batch)
  t.equal(status, 200)
  t.match(body, { success: true, accepted: 1, rejected: 1, errors: [{ index: 2, code: 'no_user_anon_id' }] })
  const [blocked, accepted] = sink.records.map(({ line }) => line.toString())
  t.match(
    blocked,
    `{"event":{"type":"track","userId":"u","event":"Order","messageId":"a","properties":{"id":1},"context":{"own":1.10,"app":{"v":1.0}},"integrations":{"All":false},"sentAt":"2026-11-23T11:59:59Z"}`
  )
  t.match(accepted, `"properties":{"id":"o","total":1.10}`)
})

t.test('rejected retry sends blocked events again once the plan is corrected', async t => {
  const { app, url, adminUrl, dir, planFile } = await start(t, all('block'), { sink: 'configured' })
  await post(`${url}/v1/track`, { ...order({ id: 5 }), messageId: 'again' })
  const env = { CONFIG_FILE: join(dir, 'tributary.yml'), DATA_DIR: join(dir, 'data') }
  const rejected = (...args: string[]) => run(process.execPath, [MAIN, 'rejected', ...args], { cwd: dir, env })
  t.match(await rejected('list', '--code', 'schema_violation'), {
    code: 0,
    stdout: /1 rejected event\n.*\nschema_violation: 1/
  })
  const relaxed = { name: 'Shop', rules: [{ type: 'track', event: 'Order', schema: {} }] }
  writeFileSync(planFile, JSON.stringify(relaxed))
  app.reload()
  await until(
    async () => {
      const { events } = (await (await fetch(`${adminUrl}/api/events`)).json()) as { events: { outcome: string }[] }
      if (events[0]?.outcome === 'accepted') return true
      await post(`${url}/v1/track`, order({ id: 5 }))
      return false
    },
    { what: 'the corrected plan', timeoutMs: 20_000 }
  )
  const sent = await rejected('retry', '--code', 'schema_violation', '--url', url, '--send')
  t.equal(sent.code, 0, sent.stderr)
  const folder = join(dir, 'data', 'events')
  const log = readdirSync(folder)
    .filter(name => name.endsWith('.ndjson'))
    .map(name => readFileSync(join(folder, name), 'utf8'))
    .join('')
  t.equal(log.split('"messageId":"again"').length, 2, 'the event is in the log once')
})

t.test('a broken plan keeps the last good one, and an edit that names a missing plan changes nothing', async t => {
  const { app, url, sink, planFile, dir } = await start(t, all('block'))
  const isBlocked = async (): Promise<boolean> => {
    await post(`${url}/v1/track`, { userId: 'u', event: 'Unknown' })
    return sink.records.at(-1)?.kind === 'rejected'
  }
  t.ok(await isBlocked())
  writeFileSync(planFile, '{"name":"Shop","rules":[{"type":"track","event":"E","schema":{"pattern":"(?=a)"}}]}')
  app.reload()
  const file = join(dir, 'tributary.yml')
  const config = readFileSync(file, 'utf8')
  writeFileSync(file, config.replace(planFile, 'none.yml').replace(KEY, 'wk_new'))
  app.reload()
  // When a later edit is in force, both were read.
  writeFileSync(file, config.replace(KEY, 'wk_later'))
  app.reload()
  const statusOf = async (key: string, body: object): Promise<number> =>
    (await post(`${url}/v1/track`, body, { authorization: `Basic ${btoa(`${key}:`)}` })).status
  await until(async () => (await statusOf('wk_later', {})) === 400, {
    what: 'the later edit to be in force',
    timeoutMs: 20_000
  })
  t.equal(await statusOf('wk_new', {}), 401)
  t.equal(await statusOf('wk_later', { userId: 'u', event: 'Unknown too' }), 200)
  t.equal(sink.records.at(-1)?.code, 'unplanned', 'the last valid plan is in force')
})

t.test('a plan that cannot be used at the start is an error with its position', async t => {
  await t.rejects(start(t, {}, { plan: { name: 'x', rules: [{ type: 'track', schema: {} }] } }), {
    code: 'CONFIG_INVALID',
    message: /plan\.json:1:\d+: rules\[0\]: a rule for track calls needs an event/
  })
})

/** Spelled as JSON.stringify never would. */
const spelled = fc.constantFrom(
  '1.10',
  '1E3',
  '12345678901234567890',
  '"\\u0041b"',
  '"x"',
  '{ "a" :1}',
  '[ ]',
  '[1 ,2]',
  'null',
  'true'
)

/** The members of a line as they are spelled. */
function rawMembers(line: string): Map<string, string> {
  const bytes = Buffer.from(line)
  const scan = scanObject(bytes)
  return new Map(
    Array.from({ length: scan.size }, (_, at) => [
      scan.keyAt(at),
      bytes.toString('utf8', scan.startAt(at), scan.valueEndAt(at))
    ])
  )
}

t.test('with rules on, every byte that no rule changes is published as it was received', async t => {
  const schema = {
    properties: { properties: { type: 'object', properties: { a: {}, b: {}, c: { properties: { a: {} } } } } }
  }
  const plan = { name: 'p', rules: [{ type: 'track', event: 'Order', schema }] }
  const ruled = await start(t, all('omit'), { plan })
  const free = { authorization: `Basic ${btoa('wk_free:')}` }
  const governed = { authorization: `Basic ${btoa(`${KEY}:`)}` }
  const space = fc.constantFrom('', ' ', '  ')
  const member = fc.tuple(fc.constantFrom('a', 'b', 'c', 'x', 'y'), spelled, space)
  const members = fc.uniqueArray(member, { maxLength: 5, selector: ([key]) => key })
  let omitted = 0
  await fc.assert(
    fc.asyncProperty(fc.array(members, { minLength: 1, maxLength: 4 }), fc.boolean(), async (events, isShared) => {
      const text = (kept: (key: string) => boolean) =>
        events
          .map((list, index) => {
            const own = list.filter(([key]) => kept(key)).map(([key, value, gap]) => `"${key}"${gap}:${gap}${value}`)
            return `{"type":"track","userId":"u","messageId":"id${index}","event":"Order","properties":{${own.join(',')}}}`
          })
          .join(',')
      const shared = isShared ? ',"context":{"k":1.50}' : ''
      const send = async (headers: { authorization: string }, batch: string): Promise<string[]> => {
        const { url, sink } = ruled
        const from = sink.records.length
        // The same ids each time: each run is a batch of its own.
        const unique = batch.replaceAll('"id', `"${from}-id`)
        const { status } = await post(`${url}/v1/batch`, `{"batch":[${unique}]${shared}}`, headers)
        if (status !== 200) throw new Error(String(status))
        return sink.records
          .slice(from)
          .map(({ line }) =>
            line.toString().replaceAll(`"${from}-id`, '"id').replace('"projectId":"free"', '"projectId":"web"')
          )
      }
      const [actual, expected] = [
        await send(
          governed,
          text(() => true)
        ),
        await send(
          free,
          text(key => key !== 'x' && key !== 'y')
        )
      ]
      for (const [index, line] of actual.entries()) {
        const isCut = events[index]?.some(([key]) => key === 'x' || key === 'y') === true
        if (!isCut && line !== expected[index]) throw new Error(`${line}\n${expected[index]}`)
        if (!isCut) continue
        omitted++
        const [is, was] = [rawMembers(line), rawMembers(expected[index] ?? '')]
        const context = is.get('context') ?? ''
        if (isShared && !context.includes('"k":1.50')) throw new Error(context)
        is.delete('context')
        was.delete('context')
        if (JSON.stringify([...is]) !== JSON.stringify([...was])) throw new Error(`${line}\n${expected[index]}`)
      }
    }),
    { numRuns: 150 }
  )
  t.ok(omitted > 50, `a property was removed from ${omitted} events`)
})
