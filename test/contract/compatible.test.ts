/** What VALIDATION=compatible does with any contract, not only with openapi.yml. */
import fc from 'fast-check'
import t from 'tap'
import type { ValidationMode } from '../../src/contract/compile.ts'
import { compileContract } from '../../src/contract/compile.ts'
import type { ContractDocument, Json, Schema } from '../../src/contract/document.ts'
import { EVENT_TYPES } from '../../src/model/event-types.ts'

/** A contract with little more than a schema for the body of a track call, and schemas that it may refer to. */
function contractOf(track: Schema, schemas: Record<string, Schema> = {}): ContractDocument {
  const pathOf = (schema: Schema): Json => ({ post: { requestBody: { content: { 'application/json': { schema } } } } })
  const calls = EVENT_TYPES.map(type => [`/${type}`, pathOf(type === 'track' ? track : { type: 'object' })])
  const batch = pathOf({ type: 'object', properties: { batch: { type: 'array', items: { type: 'object' } } } })
  return { paths: { ...Object.fromEntries(calls), '/batch': batch }, components: { schemas } }
}

type Accepts = (value: unknown) => boolean

function accepts(mode: ValidationMode, contract: ContractDocument): Accepts {
  const { events } = compileContract({ document: contract, mode })
  return value => events.track({ type: 'track', ...(value as object) }) === undefined
}

/** The body is an object with the value as `x`, and the schema of `x` is tested. */
const inX = (schema: Schema): Schema => ({ type: 'object', properties: { x: schema } })

interface Case {
  readonly what: string
  readonly schema: Schema
  readonly schemas?: Record<string, Schema>
  /** Values of `x`. */
  readonly good: readonly unknown[]
  readonly bad: readonly unknown[]
}

const OBJECT = { type: 'object' }
const TEXT = { type: 'string' }
const URI = { type: 'string', format: 'uri' }
const NULLABLE = { type: ['string', 'null'] }

const CASES: readonly Case[] = [
  {
    what: 'required beside an allOf of objects',
    schema: { ...OBJECT, required: ['a'], allOf: [OBJECT] },
    good: [{ a: 1 }, null],
    bad: [{}, [], { a: null }, 'x']
  },
  {
    what: 'minProperties beside an anyOf of objects',
    schema: { ...OBJECT, minProperties: 1, anyOf: [OBJECT, { ...OBJECT, required: ['a'] }] },
    good: [{ b: 1 }],
    bad: [{}, []]
  },
  {
    what: 'one of two required properties, by anyOf',
    schema: { ...OBJECT, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
    good: [{ a: 1 }, { b: 1 }],
    bad: [{}, [], { a: null }, { c: 1 }]
  },
  {
    what: 'an empty object by const',
    schema: { ...OBJECT, const: {} },
    good: [{}, []],
    bad: [{ a: 1 }, [1]]
  },
  {
    what: 'a property required by a reference',
    schema: { ...OBJECT, $ref: '#/components/schemas/A' },
    schemas: { A: { ...OBJECT, required: ['a'] } },
    good: [{ a: 1 }],
    bad: [[], {}]
  },
  {
    what: 'null allowed for required properties',
    schema: {
      ...OBJECT,
      required: ['a', 'b', 'c', 'd'],
      properties: { a: NULLABLE, b: { enum: [null, 1] }, c: { const: null }, d: { anyOf: [TEXT, { type: 'null' }] } }
    },
    good: [{ a: null, b: null, c: null, d: null }],
    bad: [{ a: null, b: null, c: null }]
  },
  {
    what: "null allowed by OpenAPI's nullable",
    schema: {
      ...OBJECT,
      required: ['a'],
      properties: { a: { ...TEXT, nullable: true }, b: { ...TEXT, nullable: false } }
    },
    good: [{ a: null }, { a: 'x', b: null }],
    bad: [{}, { a: 1 }]
  },
  {
    what: 'null allowed beside the schema that requires the property',
    schema: { ...OBJECT, allOf: [{ required: ['a'] }, { properties: { a: NULLABLE } }] },
    good: [{ a: null }, { a: 'x' }],
    bad: [{}, { a: 1 }]
  },
  {
    what: 'null allowed beside a reference to the schema that requires the property',
    schema: { ...OBJECT, $ref: '#/components/schemas/A', properties: { a: NULLABLE } },
    schemas: { A: { ...OBJECT, required: ['a'] } },
    good: [{ a: null }, { a: 'x' }],
    bad: [{}, { a: 1 }]
  },
  {
    what: 'null allowed by patternProperties or additionalProperties',
    schema: {
      ...OBJECT,
      required: ['a', 'b'],
      patternProperties: { '^a': NULLABLE },
      additionalProperties: { type: 'null' }
    },
    good: [{ a: null, b: null }],
    bad: [{ a: null }, { a: 1, b: null }]
  },
  {
    what: 'required properties that no schema allows to be null',
    schema: { ...OBJECT, required: ['a', 'b', 'constructor'], properties: { a: TEXT, b: true } },
    good: [{ a: 'x', b: 1, constructor: 1 }],
    bad: [
      { a: null, b: 1, constructor: 1 },
      { a: 'x', b: null, constructor: 1 },
      { a: 'x', b: 1, constructor: null },
      { a: 'x', b: 1 }
    ]
  },
  {
    what: 'either an object or an array',
    schema: { oneOf: [OBJECT, { type: 'array' }] },
    good: [{}, [], [1], { a: 1 }],
    bad: ['x', 1]
  },
  {
    what: 'a text that one of two schemas allows to be null',
    schema: {
      ...OBJECT,
      oneOf: [{ properties: { a: TEXT } }, { properties: { a: { type: 'null' } }, required: ['a'] }]
    },
    good: [{ a: null }, { a: 'x' }, {}],
    bad: [{ a: 1 }]
  },
  {
    what: 'not a URI, by reference',
    schema: { ...TEXT, not: { $ref: '#/components/schemas/Uri' } },
    schemas: { Uri: URI },
    good: ['x', ''],
    bad: ['http://example.com/']
  },
  {
    what: 'if a URI, by reference, then a short text',
    schema: { ...TEXT, if: { $ref: '#/components/schemas/Uri' }, then: { maxLength: 3 } },
    schemas: { Uri: URI },
    good: ['a long text', 'a:b'],
    bad: ['http://example.com/']
  },
  {
    what: 'at most one URI in an array',
    schema: { type: 'array', contains: URI, maxContains: 1 },
    good: [['x', 'y', 'a:b'], ['a:b']],
    bad: [['a:b', 'c:d'], ['x']]
  },
  {
    what: 'a reference into a schema that is loosened',
    schema: { ...OBJECT, properties: { b: { $ref: '#/components/schemas/A/properties/a/properties/deep' } } },
    schemas: { A: { ...OBJECT, properties: { a: { ...OBJECT, enum: [{ deep: 'x' }], properties: { deep: URI } } } } },
    good: [{ b: 'any text' }, { b: null }],
    bad: [{ b: 1 }]
  },
  {
    what: 'a schema that refers to itself',
    schema: { $ref: '#/components/schemas/Tree' },
    schemas: { Tree: { ...OBJECT, properties: { next: { $ref: '#/components/schemas/Tree' } } } },
    good: [{ next: { next: [] } }, { next: null }],
    bad: [{ next: { next: 1 } }]
  },
  {
    what: 'only described properties, in two parts',
    schema: { ...OBJECT, allOf: [{ ...OBJECT, properties: { a: TEXT } }], unevaluatedProperties: false },
    good: [{}, [], { a: 'x' }, { a: null }],
    bad: [{ b: 1 }]
  }
]

t.test('compatible mode compiles every contract that strict mode compiles, and applies its three rules', async t => {
  for (const { what, schema, schemas, good, bad } of CASES) {
    const contract = contractOf(inX(schema), schemas)
    const [strict, compatible] = [accepts('strict', contract), accepts('compatible', contract)]
    for (const x of good) t.ok(compatible({ x }), `${what} accepts ${JSON.stringify(x)}`)
    for (const x of bad) {
      t.notOk(compatible({ x }), `${what} refuses ${JSON.stringify(x)}`)
      if (!JSON.stringify(x).includes('null'))
        t.notOk(strict({ x }), `${what} refuses ${JSON.stringify(x)} in strict mode`)
    }
  }
})

t.test(
  'a contract may name properties that every JavaScript object inherits, and an event without them does not have them',
  async t => {
    for (const name of Object.getOwnPropertyNames(Object.prototype).filter(name => name !== '__proto__')) {
      const described = contractOf({ type: 'object', properties: { [name]: TEXT } })
      const demanded = contractOf({ type: 'object', required: [name] })
      const implied = contractOf({ type: 'object', dependentRequired: { [name]: ['a'] } })
      for (const mode of ['strict', 'compatible'] as const) {
        const [text, there, together] = [described, demanded, implied].map(contract => accepts(mode, contract))
        t.ok(text?.({}) && text({ [name]: 'x' }) && !text({ [name]: 1 }), `${mode}: ${name} is an optional text`)
        t.ok(!there?.({}) && there?.({ [name]: 'x' }), `${mode}: ${name} is required`)
        t.ok(together?.({}) && !together({ [name]: 'x' }), `${mode}: ${name} requires another property`)
      }
    }
  }
)

const NAMES = ['a', 'n', 'constructor'] as const

/** Values of a few names and kinds, so that random schemas match some of them. Only `n` can be null. */
const { value } = fc.letrec<{ value: unknown; object: object }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>('', 'x', 'a:b', 1, true, [], {}),
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 })
  ),
  object: fc.record(
    { a: tie('value'), constructor: tie('value'), n: fc.oneof(fc.constant(null), tie('value')) },
    { requiredKeys: [] }
  )
}))

/** One schema of a value or a list of them: both may occur in a schema beside its own keywords. */
const inPlace = (part: fc.Arbitrary<Schema>): Record<string, fc.Arbitrary<unknown>> => {
  const list = fc.array(part, { minLength: 1, maxLength: 3 })
  return { allOf: list, anyOf: list, oneOf: list, not: part, if: part, then: part, else: part }
}

/** A few random keywords from a record. */
function someOf(words: Record<string, fc.Arbitrary<unknown>>, least: Record<string, fc.Arbitrary<unknown>> = {}) {
  const few = fc.subarray(Object.keys(words), { maxLength: 3 })
  return few.chain(keys => fc.record({ ...Object.fromEntries(keys.map(key => [key, words[key]!])), ...least }))
}

const required = fc.subarray([...NAMES])

/** The contract describes `n` in each object, so `n` may be null in every object. */
const { schema, object } = fc.letrec<{ schema: Schema; object: Schema; part: Schema; nullable: Schema }>(tie => ({
  schema: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Schema>(TEXT, URI, true, { const: 'x' }, { type: 'integer' }, { $ref: '#/components/schemas/Uri' }),
    tie('object'),
    someOf(
      { items: tie('schema'), contains: tie('schema'), maxContains: fc.constant(1) },
      { type: fc.constant('array') }
    ),
    fc.constantFrom<Schema>({ $ref: '#/components/schemas/A' }, { $ref: '#/components/schemas/A/properties/a' }),
    someOf(inPlace(tie('schema')))
  ),
  nullable: tie('schema').map(schema => ({ anyOf: [{ type: 'null' }, schema] })),
  object: fc
    .tuple(
      tie('nullable'),
      someOf(
        {
          properties: fc.record({ a: tie('schema'), constructor: tie('schema') }, { requiredKeys: [] }),
          required,
          minProperties: fc.nat(2),
          additionalProperties: fc.oneof(fc.constant(false), tie('schema')),
          dependentRequired: fc.record({ a: required, n: required }),
          $ref: fc.constant('#/components/schemas/A'),
          ...inPlace(tie('part'))
        },
        { type: fc.constantFrom<unknown>('object', ['object', 'null']) }
      )
    )
    .map(([n, words]) => ({ ...words, properties: { ...(words['properties'] as object | undefined), n } })),
  part: fc.oneof(
    { maxDepth: 4 },
    required.map(names => ({ required: names })),
    tie('object'),
    someOf({ required, properties: fc.record({ a: tie('schema') }), ...inPlace(tie('part')) })
  )
}))

t.test('compatible mode accepts whatever strict mode accepts, under any contract', async t => {
  let [compiled, taken] = [0, 0]
  fc.assert(
    fc.property(schema, object, fc.array(value, { minLength: 8, maxLength: 8 }), (x, a, values) => {
      const contract = contractOf(inX(x), { Uri: URI, A: { ...(a as Json), ...withoutCircles(a as Json) } })
      let strict: Accepts
      try {
        strict = accepts('strict', contract)
      } catch {
        // Keywords that contradict each other are not a contract.
        return true
      }
      compiled++
      const compatible = accepts('compatible', contract)
      return values.every(x => {
        if (!strict({ x })) return true
        taken++
        return compatible({ x })
      })
    }),
    { numRuns: 2_000, seed: Number(process.env['SEED'] ?? 21) }
  )
  t.ok(compiled > 800, `${compiled} contracts were compiled`)
  t.ok(taken > 1_000, `${taken} values were accepted`)
})

/** A schema that refers to itself for the same value does not end. */
function withoutCircles(schema: Json): Json {
  const text = JSON.stringify(schema, (key, value: unknown) => (key === '$ref' ? '#/components/schemas/Uri' : value))
  return JSON.parse(text) as Json
}
