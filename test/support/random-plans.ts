import fc from 'fast-check'

/** Few names and values, so that random events match random schemas. */
const NAMES = ['a', 'b', 'c', 'id', 'constructor'] as const
const TEXTS = ['', 'x', 'EUR', 'eur', 'a@b.example', '2026-11-23', '2026-11-23T06:49:26Z', 'ünï', '12'] as const
const PATTERNS = ['^[A-Z]{3}$', '^\\d+$', '@', '^(x|EUR)$', '^.?$', '^\\p{L}+$'] as const
const FORMATS = ['date-time', 'date', 'email', 'uuid', 'unknown-format'] as const

const name = fc.constantFrom(...NAMES)
const scalar = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.integer({ min: -3, max: 12 }),
  fc.constantFrom(1.5, -0.5, 1e21),
  fc.boolean(),
  fc.constant(null)
)

export const { value: randomValue } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(tie('value'), { maxLength: 4 })
  )
}))

const type = fc.constantFrom('string', 'integer', 'number', 'boolean', 'null', 'object', 'array')

const texts = fc.record(
  {
    type: fc.constant('string'),
    minLength: fc.nat(3),
    maxLength: fc.nat(12),
    pattern: fc.constantFrom(...PATTERNS),
    format: fc.constantFrom(...FORMATS)
  },
  { requiredKeys: [] }
)
const numbers = fc.record(
  {
    type: fc.constantFrom('number', 'integer'),
    minimum: fc.integer({ min: -2, max: 5 }),
    maximum: fc.integer({ min: 0, max: 9 }),
    exclusiveMinimum: fc.integer({ min: -2, max: 5 }),
    multipleOf: fc.constantFrom(1, 2, 0.5)
  },
  { requiredKeys: [] }
)

/** Schemas of draft 2020-12, with the keywords that plans use, and some that they rarely use. */
export const { schema: randomSchema } = fc.letrec<{ schema: Record<string, unknown> }>(tie => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constant({}),
    texts,
    numbers,
    fc.record({ type: fc.uniqueArray(type, { minLength: 1, maxLength: 3 }) }),
    fc.record({ enum: fc.array(scalar, { minLength: 1, maxLength: 4 }) }),
    fc.record({ const: scalar }),
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(name, tie('schema'), { maxKeys: 4, noNullPrototype: true }),
        required: fc.uniqueArray(name, { maxLength: 2 }),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
        patternProperties: fc.dictionary(fc.constantFrom(...PATTERNS), tie('schema'), {
          maxKeys: 1,
          noNullPrototype: true
        }),
        minProperties: fc.nat(2),
        maxProperties: fc.nat(4),
        propertyNames: fc.constant({ maxLength: 4 })
      },
      { requiredKeys: [] }
    ),
    fc.record(
      {
        type: fc.constant('array'),
        items: tie('schema'),
        prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
        minItems: fc.nat(2),
        maxItems: fc.nat(4),
        uniqueItems: fc.boolean(),
        contains: tie('schema')
      },
      { requiredKeys: [] }
    ),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ not: tie('schema') }),
    fc.record({ if: tie('schema'), then: tie('schema'), else: tie('schema') }),
    tie('schema').map(inner => ({ $defs: { one: inner }, properties: { a: { $ref: '#/$defs/one' } } }))
  )
}))

/** References start at the root, so such a schema cannot be a part of another. */
export function withoutReferences(schema: unknown): boolean {
  return !JSON.stringify(schema).includes('$ref')
}
