import fc from 'fast-check'
import t from 'tap'
import { IdHash } from '../../../src/ingest/dedupe/hash.ts'
import { HashIdWindow } from '../../../src/ingest/dedupe/id-window.ts'
import { isKnown, remember, take } from '../../support/ids.ts'

const SEED = [1, 2] as const

function createWindow(maxIds: number, windowMs = 1_000_000) {
  let now = 5_000
  const window = new HashIdWindow({ maxIds, windowMs, clock: { now: () => 0, monotonic: () => now }, seed: SEED })
  return { window, advance: (ms: number) => (now += ms) }
}

/** Restores an id that was kept this long ago, as a start does. */
function restore(window: HashIdWindow, messageId: string, ageSeconds: number): void {
  const hash = new IdHash(SEED)
  hash.of(Buffer.from(messageId), 0, messageId.length)
  window.restore(hash.high, hash.low, ageSeconds)
}

t.test('an id is known once it was added, and no other id is', async t => {
  const { window } = createWindow(100_000)
  for (let i = 0; i < 50_000; i++) remember(window, `node-next-1795416344468-${i}`)
  let known = 0
  let strangers = 0
  for (let i = 0; i < 50_000; i++) {
    if (isKnown(window, `node-next-1795416344468-${i}`)) known++
    if (isKnown(window, `node-next-1795416344469-${i}`)) strangers++
  }
  t.equal(known, 50_000)
  t.equal(strangers, 0)
})

t.test('when the window is full the oldest id is evicted', async t => {
  const { window } = createWindow(3)
  for (const id of ['a', 'b', 'c', 'd']) remember(window, id)
  t.same(
    ['a', 'b', 'c', 'd'].map(id => isKnown(window, id)),
    [false, true, true, true]
  )
  t.equal(window.size, 3)
})

t.test('an id is forgotten after the window has passed', async t => {
  const { window, advance } = createWindow(10, 60_000)
  remember(window, 'a')
  advance(59_000)
  t.equal(isKnown(window, 'a'), true)
  advance(3_000)
  t.equal(isKnown(window, 'a'), false)
  t.equal(window.size, 0)
})

t.test('a day is remembered for at least a day and at most a thousandth longer', async t => {
  const day = 86_400_000
  for (const start of [0, 1, 40_000, 84_374, 84_375, 1_000_000]) {
    const { window, advance } = createWindow(10, day)
    advance(start)
    remember(window, 'a')
    restore(window, 'b', 0)
    advance(day)
    t.same([isKnown(window, 'a'), isKnown(window, 'b')], [true, true])
    advance(day / 1_000)
    t.same([isKnown(window, 'a'), isKnown(window, 'b')], [false, false])
  }
})

t.test('ids of each second of a window expire one after the other', async t => {
  const { window, advance } = createWindow(1_000, 5_000)
  for (let second = 0; second < 20; second++) {
    remember(window, `m${second}`)
    t.equal(window.size, Math.min(second + 1, 6))
    t.equal(isKnown(window, `m${second - 5}`), second >= 5)
    advance(1_000)
  }
})

t.test('a restored id expires at the time at which it would have expired', async t => {
  const { window, advance } = createWindow(10, 60_000)
  for (const [id, age] of [['a', 61] as const, ['b', 60] as const, ['c', 20] as const, ['c', 10] as const])
    restore(window, id, age)
  t.same([window.size, isKnown(window, 'b')], [2, true])
  advance(1_000)
  t.same(
    ['a', 'b', 'c'].map(id => isKnown(window, id)),
    [false, false, true]
  )
  advance(39_000)
  t.equal(isKnown(window, 'c'), true)
  advance(1_000)
  t.equal(isKnown(window, 'c'), false)
})

t.test('ids that expire all at once are removed a few thousand at a time, and no request waits for all', async t => {
  const { window, advance } = createWindow(50_000, 60_000)
  for (let i = 0; i < 50_000; i++) remember(window, `m${i}`)
  const sizes = [window.size]
  advance(62_000)
  while (window.size > 0) {
    window.forgetOld()
    sizes.push(window.size)
  }
  for (const [i, size] of sizes.entries()) t.ok((sizes[i - 1] ?? size) - size < 5_000)
  t.ok(sizes.length < 20)
})

t.test('for any sequence of additions and time the window holds what a plain list would', async t => {
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
        if (isKnown(window, String(id)) !== model.some(entry => entry.id === id)) return false
      }
      return window.size === model.length
    }),
    { numRuns: 1_000 }
  )
  t.pass('1,000 random sequences were compared')
})

t.test('the window grows without losing an id, also if its oldest ids have been removed before', async t => {
  for (const forgotten of [0, 100, 900]) {
    const { window, advance } = createWindow(5_000, 60_000)
    for (let i = 0; i < forgotten; i++) remember(window, `old-${i}`)
    advance(50_000)
    for (let i = 0; i < 100; i++) remember(window, `young-${i}`)
    advance(20_000)
    for (let i = 0; i < 4_000; i++) remember(window, `new-${i}`)
    t.equal(window.size, 4_100)
    for (let i = 0; i < forgotten; i++) if (isKnown(window, `old-${i}`)) t.fail(`old-${i} is known`)
    for (let i = 0; i < 100; i++) if (!isKnown(window, `young-${i}`)) t.fail(`young-${i} is forgotten`)
    for (let i = 0; i < 4_000; i++) if (!isKnown(window, `new-${i}`)) t.fail(`new-${i} is forgotten`)
  }
})

t.test('an id in flight is reported by its ticket until it is kept or dropped', async t => {
  const { window } = createWindow(10)
  const [a, b] = [take(window, 'a'), take(window, 'b')]
  t.ok(a > 0 && b > 0 && a !== b)
  t.same([take(window, 'a'), take(window, 'b'), window.size], [-a, -b, 0])
  window.keep([a])
  window.drop([b])
  t.same([take(window, 'a'), window.size], [0, 1])
  t.ok(take(window, 'b') > 0)
})

t.test('more ids may be in flight than the window remembers, and none of them evicts another', async t => {
  const { window } = createWindow(3)
  for (const id of ['a', 'b', 'c']) remember(window, id)
  const tickets = Array.from({ length: 5_000 }, (_, i) => take(window, `m${i}`))
  t.equal(new Set(tickets).size, 5_000)
  t.same(
    tickets.map((_, i) => take(window, `m${i}`)),
    tickets.map(ticket => -ticket)
  )
  t.same([isKnown(window, 'a'), isKnown(window, 'c')], [true, true])
  window.drop(tickets.slice(0, 2_500))
  t.same(
    tickets.slice(2_500).map((_, i) => take(window, `m${i + 2_500}`)),
    tickets.slice(2_500).map(ticket => -ticket),
    'the other ids keep their tickets'
  )
  t.equal(isKnown(window, 'a'), true)
  window.keep(tickets.slice(2_500))
  t.equal(window.size, 3)
  t.same(
    ['a', 'm0', 'm4996', 'm4997', 'm4999'].map(id => isKnown(window, id)),
    [false, false, false, true, true]
  )
})

t.test('for any order of takes, keeps, drops and time the window and the ids in flight equal plain lists', t => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ take: fc.integer({ min: 0, max: 40 }) }) },
    { weight: 2, arbitrary: fc.record({ keep: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ drop: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 20 }) }) }
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 30 }), (steps, maxIds) => {
      const windowSeconds = 50
      const { window, advance } = createWindow(maxIds, windowSeconds * 1000)
      let seconds = 0
      let kept: { id: number; at: number }[] = []
      const underway = new Map<number, number>()
      const nth = (n: number): [number, number] | undefined => [...underway][n % Math.max(1, underway.size)]
      for (const each of steps) {
        if ('wait' in each) {
          advance(each.wait * 1000)
          seconds += each.wait
        } else if ('take' in each) {
          window.forgetOld()
          kept = kept.filter(({ at }) => at >= seconds - windowSeconds)
          const ticket = take(window, String(each.take))
          const expected = kept.some(({ id }) => id === each.take) ? 0 : -(underway.get(each.take) ?? NaN)
          if (Number.isNaN(expected) ? ticket <= 0 : ticket !== expected) return false
          if (ticket > 0) underway.set(each.take, ticket)
        } else {
          const [id, ticket] = nth('keep' in each ? each.keep : each.drop) ?? []
          if (id === undefined || ticket === undefined) continue
          underway.delete(id)
          if ('drop' in each) window.drop([ticket])
          else {
            window.keep([ticket])
            kept.push({ id, at: seconds })
            if (kept.length > maxIds) kept.shift()
          }
        }
      }
      window.forgetOld()
      return window.size === kept.filter(({ at }) => at >= seconds - windowSeconds).length
    }),
    { numRuns: 1_000 }
  )
  t.pass('1,000 random sequences were compared')
  t.end()
})

t.test('for any order of all operations on thousands of ids the window equals a Map in order of insertion', t => {
  const many = { from: fc.nat(40_000), count: fc.nat(15_000) }
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ take: fc.record(many) }) },
    { weight: 4, arbitrary: fc.record({ keep: fc.nat(20_000) }) },
    { weight: 1, arbitrary: fc.record({ drop: fc.nat(20_000) }) },
    { weight: 2, arbitrary: fc.record({ restore: fc.record({ ...many, age: fc.nat(70) }) }) },
    { weight: 2, arbitrary: fc.record({ wait: fc.nat(30) }) }
  )
  const ROOM_FOR_ONE = [
    { take: { from: 0, count: 1 } },
    { keep: 1 },
    { restore: { from: 0, count: 2, age: 14 } },
    { wait: 13 },
    { wait: 24 }
  ]
  const maxIds = fc.oneof(fc.integer({ min: 1, max: 35_000 }), fc.constantFrom(8_191, 8_192, 8_193, 16_384))
  fc.assert(
    fc.property(fc.array(step, { size: '+1', maxLength: 30 }), maxIds, (steps, maxIds) => {
      const windowSeconds = 50
      const { window, advance } = createWindow(maxIds, windowSeconds * 1000)
      let seconds = 0
      /** Ids and the seconds they were kept in. */
      const kept = new Map<number, number>()
      const underway = new Map<number, number>()
      const keep = (id: number, at: number) => {
        if (kept.size === maxIds) kept.delete(kept.keys().next().value as number)
        kept.set(id, at)
      }
      for (const each of steps) {
        if ('wait' in each) {
          advance(each.wait * 1000)
          seconds += each.wait
          for (let before = -1; before !== window.size; window.forgetOld()) before = window.size
          for (const [id, at] of kept) {
            if (at >= seconds - windowSeconds) break
            kept.delete(id)
          }
        } else if ('take' in each) {
          for (let id = each.take.from; id < each.take.from + each.take.count; id++) {
            const ticket = take(window, String(id))
            const expected = kept.has(id) ? 0 : -(underway.get(id) ?? NaN)
            if (Number.isNaN(expected) ? ticket <= 0 : ticket !== expected) return false
            if (ticket > 0) underway.set(id, ticket)
          }
        } else if ('restore' in each) {
          const { from, count, age } = each.restore
          // Ids are restored from old to new. If there is space for only one, the older one is evicted.
          const newest = maxIds === 1 ? undefined : [...kept.values()].at(-1)
          const at = Math.max(seconds - age, newest ?? -Infinity)
          for (let id = from; id < from + count; id++) {
            restore(window, String(id), age)
            if (age <= windowSeconds && !kept.has(id) && !underway.has(id)) keep(id, at)
          }
        } else {
          const some = [...underway].slice(0, 'keep' in each ? each.keep : each.drop)
          for (const [id] of some) underway.delete(id)
          const tickets = some.map(([, ticket]) => ticket)
          if ('drop' in each) window.drop(tickets)
          else {
            window.keep(tickets)
            for (const [id] of some) keep(id, seconds)
          }
        }
        if (window.size !== kept.size) return false
      }
      window.drop([...underway.values()])
      for (let id = 0; id < 55_000; id++) {
        const ticket = take(window, String(id))
        if ((ticket === 0) !== kept.has(id)) return false
      }
      return true
    }),
    { numRuns: 40, examples: [[ROOM_FOR_ONE, 1]] }
  )
  t.pass('40 random sequences were compared')
  t.end()
})

t.test(
  '1,000,000 ids take less than 15.6 bytes each, and look-up and mark together less than 2 microseconds',
  async t => {
    const ids = Array.from({ length: 1_000_000 }, (_, i) => `ajs-next-1795416344468-cc21eecc-0a5b-${i}`)
    const { window } = createWindow(1_000_000)
    const before = process.cpuUsage()
    for (const id of ids) remember(window, id)
    const { user, system } = process.cpuUsage(before)
    const microseconds = (user + system) / ids.length
    t.comment(`${microseconds.toFixed(2)} us and ${(window.bytes / window.size).toFixed(1)} bytes for each id`)
    t.equal(window.size, 1_000_000)
    t.ok(window.bytes / window.size < 15.6)
    t.ok(microseconds < 2, `each id took ${microseconds} us`)
  }
)
