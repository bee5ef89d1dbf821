import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { readInputs } from '../../../src/cli/plan/read-inputs.ts'
import { CompiledPlan } from '../../../src/governance/plans/judge/compiled-plan.ts'
import { toTypewriter } from '../../../src/governance/plans/export/typewriter-plan.ts'
import { enforce } from '../../../src/governance/plans/enforce/enforcement.ts'
import { importPlan, planFile } from '../../../src/governance/plans/import/import-plan.ts'
import { parsePlan } from '../../../src/governance/plans/parse-plan.ts'
import { plannedValue } from '../../../src/governance/plans/judge/planned-value.ts'
import { allModes } from '../../../src/governance/plans/judge/settings.ts'

const FIXTURES = new URL('../../fixtures/plans/', import.meta.url).pathname

/** Every form of one shop's plan, in a file or folder that was written for these tests as the tool writes it. */
const FORMS = [
  { folder: 'segment-public-api', format: "rules of Segment's Public API", holds: ['identify', 'common', 'versions'] },
  { folder: 'typewriter', format: "Typewriter's plan.json", holds: [] },
  { folder: 'config-api', format: "Segment's Config API", holds: ['identify', 'common'] },
  { folder: 'json-schemas-04', format: 'JSON Schemas, one a file', holds: ['identify', 'common'] },
  { folder: 'json-schemas-06', format: 'JSON Schemas, one a file', holds: ['identify', 'common'] },
  { folder: 'json-schemas-07', format: 'JSON Schemas, one a file', holds: ['identify', 'common'] },
  { folder: 'json-schemas-2019-09', format: 'JSON Schemas, one a file', holds: ['identify', 'common'] },
  { folder: 'json-schemas-2020-12', format: 'JSON Schemas, one a file', holds: ['identify', 'common'] },
  { folder: 'avo', format: "Avo's export", holds: [] },
  { folder: 'rudder-cli-v1', format: "rudder-cli's YAML", holds: ['identify'] },
  { folder: 'rudder-cli-v0.1', format: "rudder-cli's YAML", holds: ['identify'] },
  { folder: 'rudderstack-api', format: "RudderStack's API", holds: ['identify'] },
  { folder: 'rudderstack-api-old', format: "RudderStack's API", holds: ['identify'] }
] as const

interface Row {
  readonly event: Record<string, unknown>
  /** `kind field`, in any order. */
  readonly expect: readonly string[]
  /** The parts that a format must support for this row; default: every format supports them. */
  readonly needs?: 'identify' | 'common' | 'versions'
}

const track = (event: string, properties: object, context?: object) => ({
  type: 'track',
  event,
  properties,
  ...(context === undefined ? {} : { context })
})
const order = { order_id: 'o-1', total: 12.5, currency: 'EUR', products: [{ sku: 'a', price: 1.5, quantity: 2 }] }

/** One expected outcome for each event, whatever the form of the plan. */
const TABLE: readonly Row[] = [
  { event: track('Order Completed', order), expect: [] },
  { event: track('Order Completed', { ...order, total: '12.5' }), expect: ['violation properties.total'] },
  { event: track('Order Completed', { ...order, total: -1 }), expect: ['violation properties.total'] },
  { event: track('Order Completed', { ...order, currency: 'euro' }), expect: ['violation properties.currency'] },
  { event: track('Order Completed', { total: 1 }), expect: ['violation properties.order_id'] },
  { event: track('Order Completed', { ...order, colour: 'red' }), expect: ['unplanned_property properties.colour'] },
  {
    event: track('Order Completed', { ...order, products: [{ sku: 'a', size: 1 }, { price: 1 }] }),
    expect: ['unplanned_property properties.products.0.size', 'violation properties.products.1.sku']
  },
  { event: track('Order Completed', { ...order, products: {} }), expect: ['violation properties.products'] },
  { event: track('order completed', order), expect: ['unplanned_event event'] },
  { event: track('Coupon Applied', {}), expect: ['unplanned_event event'] },
  { event: track('Signed Up', { plan: 'free', referral_code: null }), expect: [] },
  { event: track('Signed Up', { plan: 'gold' }), expect: ['violation properties.plan'] },
  { event: track('Product Added', { sku: 'a', quantity: 1 }), expect: [] },
  { event: track('Product Added', { sku: 'a', quantity: 0 }), expect: ['violation properties.quantity'] },
  { event: track('Product Added', { sku: 'a', quantity: 1.5 }), expect: ['violation properties.quantity'] },
  {
    event: track('Order Refunded', { order_id: 'o-1', reason: 'it is far too long a text' }),
    expect: ['violation properties.reason']
  },
  { event: track('Checkout Started', { order_id: 'o-1', coupon: null }), expect: [] },
  {
    event: track('Checkout Started', { order_id: 'o-1', coupon: 5, x: 1 }),
    expect: ['violation properties.coupon', 'unplanned_property properties.x']
  },
  { event: { type: 'page', name: 'Home', properties: { anything: 1 } }, expect: [] },
  {
    event: { type: 'identify', traits: { email: 'a@b.example', company: { name: 'X', size: 3 } } },
    expect: [],
    needs: 'identify'
  },
  {
    event: { type: 'identify', traits: { age: 'old', company: { sise: 3 } } },
    expect: ['violation traits.age', 'unplanned_property traits.company.sise'],
    needs: 'identify'
  },
  {
    event: { type: 'group', traits: { employees: 'many' } },
    expect: ['violation traits.employees'],
    needs: 'identify'
  },
  {
    event: track('Signed Up', { plan: 'free' }, { app_env: 'test' }),
    expect: ['common context.app_env'],
    needs: 'common'
  },
  {
    event: track('Order Completed', order, { protocols: { event_version: 2 } }),
    expect: ['violation properties.tax'],
    needs: 'versions'
  },
  {
    event: track('Order Completed', { ...order, tax: 1 }, { protocols: { event_version: 2 } }),
    expect: [],
    needs: 'versions'
  },
  {
    event: track('Order Completed', { ...order, tax: 1 }, { protocols: { event_version: 9 } }),
    expect: ['unplanned_property properties.tax'],
    needs: 'versions'
  }
]

const MODES = allModes('report')
/** Typewriter writes names of its own into schemas. */
const AJV_OPTIONS = { strict: false, validateSchema: false } as const

function differencesOf(plan: CompiledPlan, event: Row['event']): string[] {
  const differences = plan.compare(plannedValue(event), MODES)
  if (differences === undefined) return []
  return enforce(differences, MODES, { name: String(event['event']) }).reported.map(
    ({ kind, field }) => `${kind} ${field}`
  )
}

for (const { folder, format, holds } of FORMS) {
  t.test(`${folder}: the imported plan judges every event of the table like all other forms of the plan`, async t => {
    const imported = importPlan(await readInputs([join(FIXTURES, folder)]), 'Shop')
    t.equal(imported.format, format)
    t.ok(imported.plan.rules.filter(({ type }) => type === 'track').length >= 10, 'the plan has at least ten events')
    t.equal(
      imported.plan.name,
      folder.startsWith('json-schemas') || folder === 'segment-public-api' ? imported.plan.name : 'Shop'
    )
    const written = parsePlan(JSON.stringify(planFile(imported.plan)), 'plan.json')
    for (const plan of [new CompiledPlan(imported.plan), new CompiledPlan(written)]) {
      for (const { event, expect, needs } of TABLE) {
        if (needs !== undefined && !(holds as readonly string[]).includes(needs)) continue
        t.same(differencesOf(plan, event).toSorted(), [...expect].toSorted(), JSON.stringify(event))
      }
    }
  })
}

for (const { folder, holds } of FORMS) {
  t.test(`${folder}: a plan that is exported for Typewriter means the same when it is imported again`, async t => {
    const { plan } = importPlan(await readInputs([join(FIXTURES, folder)]), 'Shop')
    const { content, rules, leftOut } = toTypewriter(plan)
    const back = importPlan([{ name: 'plan.json', data: content }], 'Shop')
    t.equal(back.format, "Typewriter's plan.json")
    t.strictSame([back.plan.id, back.plan.name, back.plan.rules.length], [plan.id, plan.name, rules])
    t.equal(rules + leftOut, plan.rules.length + (plan.common === undefined ? 0 : 1))
    // Only the newest version is exported.
    const hasVersions = (holds as readonly string[]).includes('versions')
    const rows = TABLE.filter(
      ({ event, needs }) => needs === undefined && !(hasVersions && event['event'] === 'Order Completed')
    )
    const compiled = new CompiledPlan(back.plan)
    for (const { event, expect } of rows) {
      t.same(differencesOf(compiled, event).toSorted(), [...expect].toSorted(), JSON.stringify(event))
    }
  })
}

t.test('references point to the same schemas in an export for Typewriter', async t => {
  const properties = { total: { $ref: '#/$defs/money' }, tax: { $ref: '#/properties/properties/properties/total' } }
  const schema = { $defs: { money: { minimum: 0 } }, properties: { properties: { type: 'object', properties } } }
  const behind = { $defs: { order: { properties: { total: { $ref: '#/$defs/money' } } }, money: { minimum: 0 } } }
  const pair = { prefixItems: [{ type: 'string' }, { $ref: '#/definitions/money' }], items: false }
  const older = {
    definitions: { money: { minimum: 0 } },
    properties: { properties: { required: ['pair'], properties: { pair } } }
  }
  const rules = [
    { type: 'track', event: 'Order', schema },
    { type: 'track', event: 'Refund', schema: { ...behind, properties: { properties: { $ref: '#/$defs/order' } } } },
    { type: 'track', event: 'Anything #1', schema: true },
    { type: 'track', event: 'Older', schema: older }
  ]
  const { content } = toTypewriter(parsePlan(JSON.stringify({ name: 'Shop', rules }), 'plan.json'))
  const exported = content as { rules: { key: string; jsonSchema: { eventMetadata: object } }[] }
  t.strictSame(
    exported.rules.map(({ key, jsonSchema }) => [key, jsonSchema.eventMetadata]),
    [
      ['Order', { name: 'Order', type: 'TRACK' }],
      ['Refund', { name: 'Refund', type: 'TRACK' }],
      ['Anything 1', { name: 'Anything #1', type: 'TRACK' }],
      ['Older', { name: 'Older', type: 'TRACK' }]
    ]
  )
  const [order, refund, anything, old] = exported.rules.map(({ jsonSchema }) =>
    new Ajv(AJV_OPTIONS).compile(jsonSchema)
  )
  for (const [judge, value, fits] of [
    [order, { total: 1, tax: 1 }, true],
    [order, { total: -1 }, false],
    [order, { tax: -1 }, false],
    [refund, { total: -1 }, false],
    [refund, { total: 1 }, true],
    [anything, { x: -1 }, true],
    [old, { pair: ['EUR', 1] }, true],
    [old, { pair: ['EUR', -1] }, false],
    [old, { pair: ['EUR', 1, 2] }, false],
    [old, {}, false]
  ] as const) {
    t.equal(judge?.(value), fits, JSON.stringify(value))
  }
})

t.test('the changes that the import made are reported by kind', async t => {
  const changesOf = async (folder: string) => importPlan(await readInputs([join(FIXTURES, folder)]), 'Shop').changes
  const segment = await changesOf('segment-public-api')
  t.ok((segment.get('id dropped') ?? 0) > 20, 'the import dropped the old ids of the properties')
  t.equal(segment.get('deprecated rule left out'), 1)
  t.equal((await changesOf('avo')).get('nameMapping dropped'), 11)
  t.ok((await changesOf('avo')).has('additionalProperties: false left to unplannedProperties'))
  t.equal((await changesOf('json-schemas-04')).get('exclusiveMinimum of draft 04 written as a number'), 1)
  t.equal(
    (await changesOf('typewriter')).get(
      "Typewriter's eventMetadata dropped, and its properties put back inside the event"
    ),
    11
  )
})

t.test('files of several forms, and files without any, are refused with a message', async t => {
  const avo = await readInputs([join(FIXTURES, 'avo')])
  const typewriter = await readInputs([join(FIXTURES, 'typewriter')])
  t.throws(() => importPlan([...avo, ...typewriter], 'x'), /of several forms/)
  t.throws(() => importPlan([{ name: 'list.json', data: [1] }], 'x'), /list\.json: not a plan in any form/)
  t.throws(() => importPlan([], 'x'), /no file/)
})
