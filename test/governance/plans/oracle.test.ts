import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import t from 'tap'
import { addSafeFormats } from '../../../src/contract/formats.ts'
import { CompiledPlan } from '../../../src/governance/plans/judge/compiled-plan.ts'
import { parsePlan } from '../../../src/governance/plans/parse-plan.ts'
import { plannedValue } from '../../../src/governance/plans/judge/planned-value.ts'
import { allModes } from '../../../src/governance/plans/judge/settings.ts'
import { randomSchema, randomValue, withoutReferences } from '../../support/random-plans.ts'

/** `npm run test:plans` sets more. */
const EVENTS = Number(process.env['PLAN_EVENTS'] ?? 4_000)
const EVENTS_A_PLAN = 40

const MODES = { ...allModes('report'), unplannedProperties: 'off', unplannedEvents: 'off' } as const

/**
 * Ajv with its own regular expressions and its own uniqueItems, on the whole event. It also finds all errors, because
 * ajv 8.20 with only the first error accepts an empty array for "contains" if "prefixItems" is present. Its multipleOf
 * is replaced, because it refuses 1e21 as a multiple of 1. The remainder of doubles is exact for the steps of the
 * random schemas.
 */
function plainAjv(schema: object): (event: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false, logger: false, ownProperties: true, allErrors: true })
  addSafeFormats(ajv)
  ajv.removeKeyword('multipleOf')
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    validate: (step: number, value: number) => value % step === 0
  })
  const validate = ajv.compile(schema)
  return event => validate(event)
}

const payload = randomSchema.filter(withoutReferences)

/** Schemas of an event that only constrain its members, and some that constrain the event itself. */
const eventSchema = fc.oneof(
  { weight: 4, arbitrary: payload.map(inner => ({ type: 'object', properties: { properties: inner } })) },
  {
    weight: 4,
    arbitrary: payload.map(inner => ({ properties: { context: {}, properties: inner }, required: ['properties'] }))
  },
  {
    weight: 2,
    arbitrary: fc.tuple(payload, payload).map(([one, other]) => ({ properties: { properties: one, context: other } }))
  },
  { weight: 1, arbitrary: payload.map(inner => ({ allOf: [{ properties: { properties: inner } }] })) },
  {
    weight: 1,
    arbitrary: payload.map(one => ({
      $defs: { one },
      properties: { properties: { properties: { a: { $ref: '#/$defs/one' } } } }
    }))
  }
)

const properties = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'id'), randomValue, { maxKeys: 4, noNullPrototype: true })
  },
  fc.constant({})
)

t.test('random events get the verdict of a plain ajv, under random plans', async t => {
  let [compared, valid] = [0, 0]
  fc.assert(
    fc.property(
      eventSchema,
      fc.array(fc.tuple(properties, randomValue), { minLength: EVENTS_A_PLAN, maxLength: EVENTS_A_PLAN }),
      (schema, events) => {
        const text = JSON.stringify({
          name: 'p',
          rules: [
            {
              type: 'track',
              event: 'E',
              schema: { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema }
            }
          ]
        })
        const plan = new CompiledPlan(parsePlan(text, 'p.json'))
        const oracle = plainAjv(schema)
        for (const [own, context] of events) {
          const isContext = typeof context === 'object' && context !== null && !Array.isArray(context)
          const event = { type: 'track', event: 'E', userId: 'u', properties: own, ...(isContext ? { context } : {}) }
          const expected = oracle(event)
          const actual = plan.compare(plannedValue(event), MODES) === undefined
          if (actual !== expected)
            throw new Error(`${actual} for ${JSON.stringify(event)} under ${JSON.stringify(schema)}`)
          compared++
          if (expected) valid++
        }
      }
    ),
    { numRuns: Math.ceil(EVENTS / EVENTS_A_PLAN) }
  )
  t.ok(compared >= EVENTS, `${compared} events were compared`)
  t.ok(valid > compared / 20 && valid < (compared * 19) / 20, `${valid} events are valid, so both verdicts occur`)
})
