import fc from 'fast-check'
import t from 'tap'
import { AgeMarks } from '../../../src/ingest/dedupe/age-marks.ts'

t.test('for any sequence the oldest is as old as in a plain list', t => {
  const step = fc.oneof(fc.record({ add: fc.nat(3) }), fc.record({ remove: fc.nat(5) }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: -100, max: 100 }), (steps, start) => {
      const ages = new AgeMarks(1_000)
      const model: number[] = []
      let tick = start
      for (const each of steps) {
        if ('add' in each) {
          tick += each.add
          ages.add(tick)
          model.push(tick)
        } else {
          for (const _ of model.splice(0, each.remove)) ages.removeOldest()
        }
        const oldest = model[0] ?? Infinity
        if (ages.isOldestBefore(oldest) || (model.length > 0 && !ages.isOldestBefore(oldest + 1))) return false
      }
      return true
    })
  )
  t.pass('100 random sequences were compared')
  t.end()
})

t.test('an id is not removed before an older one, also if the clock went back', async t => {
  const ages = new AgeMarks(10)
  ages.add(7)
  ages.add(3)
  ages.removeOldest()
  t.equal(ages.isOldestBefore(7), false)
  t.equal(ages.isOldestBefore(8), true)
})

t.test('if more ticks are in use than marks exist, ids are remembered longer and none shorter', async t => {
  const ages = new AgeMarks(3)
  for (let tick = 0; tick < 5; tick++) ages.add(tick)
  const seen: number[] = []
  for (let n = 0; n < 5; n++) {
    let tick = 0
    while (!ages.isOldestBefore(tick + 1)) tick++
    seen.push(tick)
    ages.removeOldest()
  }
  t.same(seen, [0, 1, 4, 4, 4])
  t.equal(ages.isOldestBefore(1_000), false)
  ages.add(9)
  t.equal(ages.isOldestBefore(9), false, 'a mark for the new tick is available')
})

t.test('any number of ids in one tick need one mark', t => {
  const ages = new AgeMarks(2)
  for (let n = 0; n < 100; n++) ages.add(1)
  ages.add(5)
  for (let n = 0; n < 100; n++) {
    t.ok(ages.isOldestBefore(2))
    ages.removeOldest()
  }
  t.notOk(ages.isOldestBefore(5))
  t.end()
})
