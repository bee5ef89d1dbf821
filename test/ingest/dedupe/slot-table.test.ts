import fc from 'fast-check'
import t from 'tap'
import { EntryRing } from '../../../src/ingest/dedupe/entry-ring.ts'
import { SlotTable } from '../../../src/ingest/dedupe/slot-table.ts'
import { Tickets } from '../../../src/ingest/dedupe/tickets.ts'

/** Hashes with few different homes, so that runs are long, wrap around the end of the table, and are far from home. */
const LOWS = [0, 1, 0x4000_0000, 0x4000_0001, 0x7fff_ffff, -0x8000_0000, -0x1000_0000, -2, -1]

t.test('for any sequence a table finds what a Map would, also if ids are far from home', t => {
  const step = fc.record({
    high: fc.nat(60),
    low: fc.oneof(fc.constantFrom(...LOWS), fc.integer()),
    way: fc.constantFrom('take', 'take', 'keep', 'leave')
  })
  fc.assert(
    // With room for tags in the slots, and without.
    fc.property(fc.array(step, { size: '+2', maxLength: 1_000 }), fc.constantFrom(10_000, 2 ** 23), (steps, places) => {
      const ring = new EntryRing(places)
      const tickets = new Tickets()
      const table = new SlotTable(ring, tickets)
      const model = new Map<string, { high: number; low: number; holder: number }>()
      for (const { high, low, way } of steps) {
        const key = `${high} ${low}`
        const known = model.get(key)
        if (table.find(high, low) !== (known?.holder ?? 0)) return false
        if (known === undefined && way !== 'leave') {
          const holder = -tickets.take(high, low)
          table.put(holder)
          model.set(key, { high, low, holder })
        } else if (known !== undefined && way === 'keep' && known.holder < 0) {
          const holder = ring.append(high, low) + 1
          table.replace(low, known.holder, holder)
          tickets.release(-known.holder)
          known.holder = holder
        } else if (known !== undefined && way === 'leave') {
          table.remove(low, known.holder)
          if (known.holder < 0) tickets.release(-known.holder)
          model.delete(key)
        }
      }
      return [...model.values()].every(({ high, low, holder }) => table.find(high, low) === holder)
    }),
    { numRuns: 500 }
  )
  t.pass('500 random sequences were compared')
  t.end()
})

t.test('a table of many ids takes 5 to 7.5 bytes for each', async t => {
  const ring = new EntryRing(100_000)
  const table = new SlotTable(ring, new Tickets())
  for (let n = 1; n <= 100_000; n++) {
    const low = Math.imul(n, 0x9e37_79b1)
    table.find(n, low)
    table.put(ring.append(n, low) + 1)
    const bytes = table.bytes / n
    if (n > 1_000 && !(bytes >= 5 && bytes < 7.6)) t.fail(`each of ${n} ids takes ${bytes} bytes`)
  }
  for (let n = 1; n <= 100_000; n++)
    if (table.find(n, Math.imul(n, 0x9e37_79b1)) !== n) t.fail(`the id ${n} is not found`)
})

t.test('ids that are added and removed do not make a table grow', async t => {
  const tickets = new Tickets()
  const table = new SlotTable(new EntryRing(1), tickets)
  const { bytes } = table
  for (let n = 0; n < 1_000; n++) {
    table.find(n, n)
    const ticket = tickets.take(n, n)
    table.put(-ticket)
    table.remove(n, -ticket)
    tickets.release(ticket)
  }
  t.equal(table.bytes, bytes)
})
