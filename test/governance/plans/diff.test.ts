import fc from 'fast-check'
import t from 'tap'
import { CompiledPlan } from '../../../src/governance/plans/judge/compiled-plan.ts'
import { diffPlans } from '../../../src/governance/plans/review/diff.ts'
import type { Plan } from '../../../src/governance/plans/plan.ts'
import type { JsonSchema } from '../../../src/governance/plans/schema/schema-parts.ts'
import { plannedValue } from '../../../src/governance/plans/judge/planned-value.ts'
import { allModes } from '../../../src/governance/plans/judge/settings.ts'
import { randomSchema, randomValue, withoutReferences } from '../../support/random-plans.ts'

const planOf = (properties: object): Plan => ({
  id: 'p',
  name: 'p',
  rules: [{ type: 'track', event: 'E', version: 1, schema: { properties: { properties } } }],
  common: undefined
})

const CHANGES: readonly {
  readonly before: object
  readonly after: object
  readonly breaking: boolean
  readonly says: RegExp
}[] = [
  {
    before: { properties: { a: {} } },
    after: { properties: { a: {}, b: {} } },
    breaking: false,
    says: /properties\.b is named/
  },
  {
    before: { properties: { a: {}, b: {} } },
    after: { properties: { a: {} } },
    breaking: true,
    says: /properties\.b is no longer named/
  },
  {
    before: { properties: { a: {} } },
    after: { properties: { a: {} }, required: ['a'] },
    breaking: true,
    says: /properties\.a is required/
  },
  {
    before: { properties: { a: {} }, required: ['a'] },
    after: { properties: { a: {} } },
    breaking: false,
    says: /no longer required/
  },
  {
    before: { properties: { a: { type: 'integer' } } },
    after: { properties: { a: { type: 'number' } } },
    breaking: false,
    says: /type integer to number/
  },
  {
    before: { properties: { a: { type: 'number' } } },
    after: { properties: { a: { type: 'integer' } } },
    breaking: true,
    says: /type number to integer/
  },
  {
    before: { properties: { a: { type: 'string' } } },
    after: { properties: { a: { type: ['string', 'null'] } } },
    breaking: false,
    says: /null or string/
  },
  {
    before: { properties: { a: { enum: ['x', 'y'] } } },
    after: { properties: { a: { enum: ['x'] } } },
    breaking: true,
    says: /takes fewer values: without \["y"\]/
  },
  {
    before: { properties: { a: { enum: ['x'] } } },
    after: { properties: { a: { enum: ['x', 'y'] } } },
    breaking: false,
    says: /takes more values/
  },
  {
    before: { properties: { a: { maxLength: 3 } } },
    after: { properties: { a: { maxLength: 2 } } },
    breaking: true,
    says: /maxLength 3 to 2/
  },
  {
    before: { properties: { a: { pattern: 'x' } } },
    after: { properties: { a: {} } },
    breaking: false,
    says: /pattern removed/
  },
  {
    before: { properties: { a: {} } },
    after: { properties: { a: { format: 'email' } } },
    breaking: true,
    says: /format added/
  },
  { before: { type: 'object' }, after: { type: 'object', properties: { a: {} } }, breaking: true, says: /were open/ },
  {
    before: { properties: { a: { title: 'A' } } },
    after: { properties: { a: { title: 'B' } } },
    breaking: false,
    says: /^$/
  }
]

for (const { before, after, breaking, says } of CHANGES) {
  t.test(`from ${JSON.stringify(before)} to ${JSON.stringify(after)} is ${breaking ? '' : 'not '}breaking`, async t => {
    const changes = diffPlans(planOf(before), planOf(after))
    t.equal(
      changes.some(({ isBreaking }) => isBreaking),
      breaking
    )
    t.match(changes.map(({ description }) => description).join('\n'), says)
  })
}

t.test('added and removed rules are breaking if events that fitted no longer fit', async t => {
  const plan = (rules: Plan['rules'], common?: JsonSchema): Plan => ({ id: 'p', name: 'p', rules, common })
  const rule = (type: 'track' | 'identify', event?: string, version = 1) => ({ type, event, version, schema: {} })
  const isBreaking = (before: Plan, after: Plan) => diffPlans(before, after).some(change => change.isBreaking)
  t.equal(isBreaking(plan([]), plan([rule('track', 'E')])), false, 'a new event is not breaking')
  t.equal(isBreaking(plan([rule('track', 'E')]), plan([])), true, 'a removed event is breaking')
  t.equal(isBreaking(plan([]), plan([rule('identify')])), true, 'a first rule for identify calls is breaking')
  t.equal(isBreaking(plan([rule('identify')]), plan([])), false)
  t.equal(
    isBreaking(plan([rule('track', 'E')]), plan([rule('track', 'E'), rule('track', 'E', 2)])),
    false,
    'a newer version is not breaking'
  )
  t.equal(
    isBreaking(plan([rule('track', 'E', 2)]), plan([rule('track', 'E', 1), rule('track', 'E', 2)])),
    true,
    'an added older version is breaking, because it becomes the default'
  )
  t.equal(isBreaking(plan([]), plan([], { required: ['userId'] })), true, 'a common schema is breaking')
})

t.test('if no change is breaking, every random event that fits the first plan fits the second', async t => {
  const modes = allModes('report')
  const schemas = randomSchema.filter(withoutReferences)
  const events = fc.array(
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'id'), randomValue, { maxKeys: 4, noNullPrototype: true }),
    {
      minLength: 15,
      maxLength: 15
    }
  )
  /** A schema and a variant of it, because two random schemas hardly ever have anything in common. */
  const pairs = fc
    .tuple(schemas, schemas, fc.constantFrom('a', 'b', 'c'), fc.boolean(), fc.boolean())
    .map(([one, other, name, isOptional, isGone]) => {
      const before = { type: 'object', properties: { [name]: one, b: other }, required: [name] }
      const after = {
        ...before,
        properties: isGone ? { [name]: one } : { ...before.properties, c: other },
        required: isOptional ? [] : [name]
      }
      return [before, after] as const
    })
  let harmless = 0
  fc.assert(
    fc.property(fc.oneof(pairs, fc.tuple(schemas, schemas)), events, ([before, after], all) => {
      if (diffPlans(planOf(before), planOf(after)).some(({ isBreaking }) => isBreaking)) return
      harmless++
      const [old, now] = [new CompiledPlan(planOf(before)), new CompiledPlan(planOf(after))]
      for (const properties of all) {
        const event = plannedValue({ type: 'track', event: 'E', properties })
        if (old.compare(event, modes) !== undefined || now.compare(event, modes) === undefined) continue
        throw new Error(`${JSON.stringify(properties)} fits ${JSON.stringify(before)}, not ${JSON.stringify(after)}`)
      }
    }),
    { numRuns: 1_000 }
  )
  t.ok(harmless > 50, `${harmless} pairs have no breaking change`)
})
