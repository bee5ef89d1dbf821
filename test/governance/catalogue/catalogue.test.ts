import fc from 'fast-check'
import t from 'tap'
import { Catalogue, CATALOGUE_BOUNDS } from '../../../src/governance/catalogue/catalogue.ts'
import { inferPlan } from '../../../src/governance/catalogue/infer-plan.ts'
import { planFile } from '../../../src/governance/plans/import/import-plan.ts'
import { CompiledPlan } from '../../../src/governance/plans/judge/compiled-plan.ts'
import { plannedValue } from '../../../src/governance/plans/judge/planned-value.ts'
import { allModes } from '../../../src/governance/plans/judge/settings.ts'
import { parsePlan } from '../../../src/governance/plans/parse-plan.ts'
import { randomValue } from '../../support/random-plans.ts'

const NOW = '2026-11-28T12:00:00.000Z'
const LATER = '2026-11-28T13:00:00.000Z'

t.test('the catalogue stores names, properties, types, times and SDKs, and never a value', async t => {
  const catalogue = new Catalogue()
  const context = { library: { name: 'analytics.js', version: '2.1.0' } }
  const secret = 'a-value-that-must-not-stay'
  catalogue.add(
    'web',
    { type: 'track', event: 'Order', properties: { id: secret, total: 1, items: [{ sku: secret }, {}] }, context },
    NOW
  )
  catalogue.add('web', { type: 'track', event: 'Order', properties: { id: null, total: 1.5 } }, LATER)
  const [seen, ...others] = catalogue.list()
  t.strictSame(others, [])
  t.match(seen, { source: 'web', type: 'track', name: 'Order', events: 2, firstSeen: NOW, lastSeen: LATER })
  t.strictSame(seen?.sdks, { 'analytics.js 2.1.0': 1, unknown: 1 })
  const property = (objects: number, types: object, lastSeen = NOW) => ({ objects, types, firstSeen: NOW, lastSeen })
  t.match(seen?.properties, {
    '/properties/id': property(0, { string: 1, null: 1 }, LATER),
    '/properties/total': property(0, { integer: 1, number: 1 }, LATER),
    '/properties/items': property(0, { array: 1 }),
    '/properties/items/[]': property(2, { object: 2 }),
    '/properties/items/[]/sku': property(0, { string: 1 })
  })
  t.notMatch(JSON.stringify(catalogue.list()), secret)
})

t.test('the catalogue is bounded: what exceeds the bounds is counted and not stored', async t => {
  const catalogue = new Catalogue()
  for (let i = 0; i < CATALOGUE_BOUNDS.events + 5; i++) catalogue.add('web', { type: 'track', event: `E${i}` }, NOW)
  t.equal(catalogue.size, CATALOGUE_BOUNDS.events)
  t.equal(catalogue.dropped, 5)
  const many = Object.fromEntries(Array.from({ length: CATALOGUE_BOUNDS.properties + 5 }, (_, i) => [`p${i}`, i]))
  catalogue.add('web', { type: 'track', event: 'E0', properties: many }, NOW)
  const seen = catalogue.list().find(({ name }) => name === 'E0')
  t.equal(Object.keys(seen?.properties ?? {}).length, CATALOGUE_BOUNDS.properties)
  t.equal(seen?.isTruncated, true)
  for (let i = 0; i < 40; i++)
    catalogue.add('web', { type: 'track', event: 'E1', context: { library: { name: `sdk${i}` } } }, NOW)
  t.equal(Object.keys(catalogue.list().find(({ name }) => name === 'E1')?.sdks ?? {}).length, CATALOGUE_BOUNDS.sdks)
})

t.test('a property is required if at least twenty events all have it', async t => {
  const schemaOf = (events: number) => {
    const catalogue = new Catalogue()
    for (let i = 0; i < events; i++)
      catalogue.add(
        'web',
        { type: 'track', event: 'E', properties: { always: i, ...(i > 0 ? { later: 1 } : {}) } },
        NOW
      )
    const [rule] = inferPlan(catalogue.list(), 'p').rules as unknown as {
      schema: { properties: { properties: { required?: string[] } } }
    }[]
    return rule?.schema.properties.properties.required
  }
  t.equal(schemaOf(19), undefined)
  t.strictSame(schemaOf(20), ['always'])
})

t.test('every event fits the plan that was inferred from it, whatever its properties are', async t => {
  const key = fc.constantFrom('a', 'b', 'a.b', 'a/b', '[]', '~1', 'constructor')
  const payload = fc.dictionary(key, randomValue, { maxKeys: 4, noNullPrototype: true })
  const event = fc.oneof(
    fc.record({ type: fc.constant('track'), event: fc.constantFrom('E', 'F'), properties: payload }),
    fc.record({ type: fc.constant('identify'), traits: payload }),
    fc.record({ type: fc.constant('page'), name: fc.constantFrom('Home', 'Shop'), properties: payload })
  )
  const modes = allModes('report')
  let checked = 0
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 30 }), events => {
      const catalogue = new Catalogue()
      for (const one of events) catalogue.add('web', one, NOW)
      const plan = new CompiledPlan(parsePlan(JSON.stringify(planFile(inferPlan(catalogue.list(), 'p'))), 'p.json'))
      for (const one of events) {
        const differences = plan.compare(plannedValue(one), modes)
        if (differences !== undefined) throw new Error(`${JSON.stringify(one)}: ${JSON.stringify(differences)}`)
        checked++
      }
    }),
    { numRuns: 300 }
  )
  t.ok(checked > 300, `${checked} events were checked`)
})
