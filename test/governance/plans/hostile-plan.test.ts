import t from 'tap'
import { CompiledPlan } from '../../../src/governance/plans/judge/compiled-plan.ts'
import { MAX_PLAN_BYTES, parsePlan } from '../../../src/governance/plans/parse-plan.ts'
import { plannedValue } from '../../../src/governance/plans/judge/planned-value.ts'
import { allModes } from '../../../src/governance/plans/judge/settings.ts'

const rule = (schema: unknown, event = 'E') => ({ type: 'track', event, schema })
const plan = (...rules: unknown[]): string => JSON.stringify({ name: 'p', rules }, null, 2)

function nested(levels: number): object {
  let schema: object = { type: 'string' }
  for (let level = 0; level < levels; level++) schema = { properties: { a: schema } }
  return schema
}

/** Each definition refers to the next one twice, with this many doublings. */
function doubling(times: number): object {
  const steps = Array.from({ length: times }, (_, i): [string, object] => [
    `d${i}`,
    { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }
  ])
  return { $defs: { ...Object.fromEntries(steps), [`d${times}`]: {} }, $ref: '#/$defs/d0', $schema: '2020-12' }
}

const REFUSED: readonly { readonly what: string; readonly text: string; readonly says: RegExp }[] = [
  {
    what: 'too many bytes',
    text: `{"name":"${'x'.repeat(MAX_PLAN_BYTES)}"}`,
    says: /^p\.json:1:1: the plan is larger than 4194304 bytes/
  },
  {
    what: 'too many nested schemas',
    text: plan(rule(nested(33))),
    says: /^p\.json:\d+:\d+: rules\[0\]\.schema\.properties.*nested deeper than 32 schemas/
  },
  {
    what: 'only brackets',
    text: '['.repeat(5_000),
    says: /^p\.json:1:1: not valid YAML: nested too deep|^p\.json:\d+:\d+: /
  },
  {
    what: 'a schema that refers to itself',
    text: plan(rule({ properties: { a: { $ref: '#' } } })),
    says: /^p\.json:10:21: .*refers to itself/
  },
  {
    what: 'schemas that refer to one another',
    text: plan(rule({ $defs: { a: { items: { $ref: '#/$defs/b' } }, b: { items: { $ref: '#/$defs/a' } } } })),
    says: /refers to itself/
  },
  { what: 'references that double', text: plan(rule(doubling(20))), says: /more than 5000 parts, references followed/ },
  {
    what: 'a reference to another file',
    text: plan(rule({ $ref: 'other.json#/a' })),
    says: /a reference leads to a place in the same schema/
  },
  {
    what: 'a reference to nowhere',
    text: plan(rule({ $ref: '#/$defs/none' })),
    says: /a reference leads to a place in the same schema that exists/
  },
  {
    what: 'a pattern with a look-ahead',
    text: plan(rule({ pattern: '^(?=a)' })),
    says: /^p\.json:8:20: rules\[0\]\.schema\.pattern: not a pattern that RE2 takes/
  },
  {
    what: 'a pattern with a back reference',
    text: plan(rule({ pattern: '(a)\\1' })),
    says: /not a pattern that RE2 takes/
  },
  {
    what: 'a pattern that takes many steps',
    text: plan(rule({ pattern: '[ab]{900}[cd]{900}[ef]{900}[gh]{900}[ij]{900}' })),
    says: /steps a character; at most 4000/
  },
  { what: 'a long pattern', text: plan(rule({ pattern: 'a'.repeat(1_001) })), says: /longer than 1000 characters/ },
  {
    what: 'many patterns',
    text: plan(rule({ anyOf: Array.from({ length: 51 }, (_, i) => ({ pattern: `^${i}$` })) })),
    says: /more than 50 patterns/
  },
  {
    what: 'many values',
    text: plan(rule({ enum: Array.from({ length: 1_001 }, (_, i) => i) })),
    says: /more than 1000 values/
  },
  {
    what: 'more rules than Segment accepts',
    text: plan(...Array.from({ length: 2_001 }, (_, i) => rule({}, `E${i}`))),
    says: /rules: expected at most 2,000 rules/
  },
  {
    what: 'the same event twice',
    text: plan(rule({}), rule({})),
    says: /rules\[1\]: rules\[0\] is for the same event and version/
  },
  {
    what: 'an invalid schema',
    text: plan(rule({ required: 'a' })),
    says: /^p\.json:8:21: rules\[0\]\.schema\.required: not a JSON Schema: must be array/
  },
  {
    what: 'a property named __proto__',
    text: '{"name":"p","rules":[{"type":"track","event":"E","schema":{"properties":{"__proto__":{}}}}]}',
    says: /no event may have __proto__/
  },
  {
    what: 'an unknown key',
    text: '{"name":"p","rulez":[]}',
    says: /"rulez" is not a known key here; did you mean rules\?/
  },
  { what: 'invalid YAML', text: 'name: [', says: /^p\.json:1:8: not valid YAML/ }
]

for (const { what, text, says } of REFUSED) {
  t.test(`a plan with ${what} is refused with its file, line and reason`, async t => {
    t.throws(() => parsePlan(text, 'p.json'), { message: says })
  })
}

t.test('the largest accepted pattern and the deepest accepted schema cost little on a long text', async t => {
  const taken = parsePlan(
    plan(rule({ properties: { properties: { properties: { a: { pattern: '^(a+)+$' } } } } }), rule(nested(31), 'F')),
    'p.json'
  )
  const compiled = new CompiledPlan(taken)
  const event = { type: 'track', event: 'E', properties: { a: `${'a'.repeat(32_000)}!` } }
  const before = process.cpuUsage()
  t.ok(compiled.compare(plannedValue(event), allModes('report')))
  const { user, system } = process.cpuUsage(before)
  t.ok(user + system < 1_000_000, `the check took ${(user + system) / 1000} ms of CPU time`)
})

t.test('two patterns of one plan are checked separately', async t => {
  const schema = (pattern: string) => ({ properties: { properties: { properties: { a: { pattern } } } } })
  const compiled = new CompiledPlan(parsePlan(plan(rule(schema('^x$')), rule(schema('^y$'), 'F')), 'p.json'))
  const fits = (event: string, a: string) =>
    compiled.compare(plannedValue({ type: 'track', event, properties: { a } }), allModes('report')) === undefined
  t.same([fits('E', 'x'), fits('E', 'y'), fits('F', 'x'), fits('F', 'y')], [true, false, false, true])
})

t.test('an array whose elements must differ is checked in time that grows linearly with its length', async t => {
  const schema = { properties: { properties: { properties: { a: { uniqueItems: true } } } } }
  const compiled = new CompiledPlan(parsePlan(plan(rule(schema)), 'p.json'))
  const a = Array.from({ length: 5_000 }, (_, i) => ({ i }))
  const before = process.cpuUsage()
  t.equal(
    compiled.compare(plannedValue({ type: 'track', event: 'E', properties: { a } }), allModes('report')),
    undefined
  )
  t.ok(
    compiled.compare(
      plannedValue({
        type: 'track',
        event: 'E',
        properties: {
          a: [
            { x: 1, y: 2 },
            { y: 2, x: 1 }
          ]
        }
      }),
      allModes('report')
    )
  )
  const { user, system } = process.cpuUsage(before)
  t.ok(user + system < 1_000_000, `the check took ${(user + system) / 1000} ms of CPU time`)
})
