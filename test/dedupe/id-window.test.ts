import fc from 'fast-check'
import t from 'tap'
import { HashIdWindow } from '../../src/dedupe/id-window.ts'
import { remember } from '../support/ids.ts'

function createWindow(maxIds: number, windowMs = 1_000_000) {
  let now = 5_000
  const window = new HashIdWindow({ maxIds, windowMs, monotonic: () => now, seed: [1, 2] })
  return { window, advance: (ms: number) => (now += ms) }
}

t.test('an id is known once it was added, and no other is', async t => {
  const { window } = createWindow(100_000)
  for (let i = 0; i < 50_000; i++) remember(window, `node-next-1795416344468-${i}`)
  let known = 0
  let strangers = 0
  for (let i = 0; i < 50_000; i++) {
    if (window.has(`node-next-1795416344468-${i}`)) known++
    if (window.has(`node-next-1795416344469-${i}`)) strangers++
  }
  t.equal(known, 50_000)
  t.equal(strangers, 0)
})

t.test('when the window is full the oldest id makes room', async t => {
  const { window } = createWindow(3)
  for (const id of ['a', 'b', 'c', 'd']) remember(window, id)
  t.same(
    ['a', 'b', 'c', 'd'].map(id => window.has(id)),
    [false, true, true, true]
  )
  t.equal(window.size, 3)
})

t.test('an id is forgotten after the window has passed', async t => {
  const { window, advance } = createWindow(10, 60_000)
  remember(window, 'a')
  advance(59_000)
  t.equal(window.has('a'), true)
  advance(3_000)
  t.equal(window.has('a'), false)
  t.equal(window.size, 0)
})

t.test('over any sequence of additions and time the window holds what a plain list would', async t => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ wait: fc.integer({ min: 0, max: 20 }) })
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 30 }), (steps, maxIds) => {
      const windowSeconds = 50
      const { window, advance } = createWindow(maxIds, windowSeconds * 1000)
      let seconds = 0
      let model: { id: number; at: number }[] = []
      for (const each of steps) {
        if ('wait' in each) {
          advance(each.wait * 1000)
          seconds += each.wait
        } else {
          model = model.filter(({ at }) => at >= seconds - windowSeconds)
          remember(window, String(each.add))
          if (!model.some(({ id }) => id === each.add)) model.push({ id: each.add, at: seconds })
          if (model.length > maxIds) model.shift()
        }
        model = model.filter(({ at }) => at >= seconds - windowSeconds)
      }
      for (let id = 0; id <= 40; id++) {
        if (window.has(String(id)) !== model.some(entry => entry.id === id)) return false
      }
      return window.size === model.length
    }),
    { numRuns: 1_000 }
  )
  t.pass('1,000 random sequences')
})

t.test(
  '1,000,000 ids take less than 40 bytes each, and look-up and mark together less than 2 microseconds',
  async t => {
    const ids = Array.from({ length: 1_000_000 }, (_, i) => `ajs-next-1795416344468-cc21eecc-0a5b-${i}`)
    const { window } = createWindow(1_000_000)
    const before = process.cpuUsage()
    for (const id of ids) if (!window.has(id)) remember(window, id)
    const { user, system } = process.cpuUsage(before)
    const microseconds = (user + system) / ids.length
    t.comment(`${microseconds.toFixed(2)} us an id, ${(window.bytes / window.size).toFixed(1)} bytes an id`)
    t.equal(window.size, 1_000_000)
    t.ok(window.bytes / window.size < 40)
    t.ok(microseconds < 2, `${microseconds} us`)
  }
)
