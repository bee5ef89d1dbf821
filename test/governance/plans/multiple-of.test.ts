import fc from 'fast-check'
import t from 'tap'
import { createSchemaCompiler } from '../../../src/governance/plans/judge/compile-schema.ts'
import { isMultipleOf } from '../../../src/governance/plans/judge/multiple-of.ts'
import { toViolations } from '../../../src/governance/plans/judge/violations.ts'

const validator = (step: number) => {
  const schema = { properties: { price: { type: 'number', multipleOf: step } } }
  return createSchemaCompiler([schema]).compile(schema)
}

t.test('a price of whole cents is a multiple of 0.01, whatever the division of doubles gives', async t => {
  const isValid = validator(0.01)
  for (let cents = 0; cents <= 20_000; cents++) {
    const price = Number(`${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`)
    if (!isValid({ price })) t.fail(`${price} is refused`)
  }
  for (const price of [-19.99, 1_000_000.01, 123_456_789_012.34, 100, 0, -0, 1e300])
    t.ok(isValid({ price }), `${price} is a multiple`)
  for (const price of [0.015, 19.999, 0.001, -4.355, 5e-324]) t.notOk(isValid({ price }), `${price} is not a multiple`)
})

t.test('a product is a multiple of every decimal step, and a number between two steps is not', async t => {
  const step = fc.record({ digits: fc.integer({ min: 1, max: 9999 }), places: fc.integer({ min: 0, max: 8 }) })
  const isAsSaid = ({ digits, places }: { digits: number; places: number }, times: number): boolean => {
    const written = Number(`${digits}e-${places}`)
    const multiple = Number(`${digits * times}e-${places}`)
    const between = Number(`${digits * times}5e-${places + 1}`)
    return isMultipleOf(multiple, written) && !isMultipleOf(between, written)
  }
  t.doesNotThrow(() => fc.assert(fc.property(step, fc.integer({ min: -99_999, max: 99_999 }), isAsSaid)))
})

t.test(
  'integers that are not safe are compared as they are spelled, and a number above all doubles is refused',
  async t => {
    t.ok(validator(5)({ price: 1e20 }))
    for (const step of [1, 2, 0.5]) t.ok(validator(step)({ price: 1e21 }), `1e21 is a multiple of ${step}`)
    t.notOk(validator(7)({ price: 1e20 }))
    t.notOk(validator(0.01)({ price: Infinity }))
    t.ok(validator(1e-300)({ price: 1e300 }), 'the widest range of exponents is supported')
  }
)

t.test('a number that is not a multiple is reported with the same message as before', async t => {
  const isValid = validator(0.05)
  const event = { price: 1.02 }
  t.notOk(isValid(event))
  t.match(toViolations(isValid.errors ?? [], event), [
    { type: 'Multiple Of', field: 'price', description: 'Must be a multiple of 0.05' }
  ])
})
