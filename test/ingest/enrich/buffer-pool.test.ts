import fc from 'fast-check'
import t from 'tap'
import { RecyclingBufferPool } from '../../../src/ingest/enrich/buffer-pool.ts'

const KIB = 1024

t.test('released memory is reused for pieces of about the same size', t => {
  const memory = new RecyclingBufferPool()
  const first = memory.take(500 * KIB)
  memory.release(first.subarray(10, 20))
  t.equal(memory.keptBytes, first.length)
  t.not(memory.take(300 * KIB).buffer, first.buffer)
  t.equal(memory.take(490 * KIB).buffer, first.buffer)
  t.equal(memory.keptBytes, 0)
  t.end()
})

t.test('for any order and number of allocations and releases, no two owners share memory', t => {
  const size = fc.oneof(fc.integer({ min: 1, max: 200 * KIB }), fc.constantFrom(32 * KIB, 64 * KIB, 70_000_000))
  const step = fc.record({ take: fc.boolean(), size, which: fc.nat(), twice: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const memory = new RecyclingBufferPool(1024 * KIB)
      const held: Buffer[] = []
      for (const { take, size, which, twice } of steps) {
        if (take || held.length === 0) {
          const taken = memory.take(size)
          if (taken.length < size) return false
          // Node's own small ones lie in memory that they share.
          const isShared = size >= 32 * KIB && held.some(({ buffer }) => buffer === taken.buffer)
          if (isShared) return false
          held.push(taken)
        } else {
          const [given] = held.splice(which % held.length, 1) as [Buffer]
          memory.release(given)
          if (twice) memory.release(given)
        }
        if (memory.keptBytes > 1024 * KIB) return false
      }
      return true
    }),
    { numRuns: 200 }
  )
  t.end()
})

t.test('memory of another origin is not changed', t => {
  const memory = new RecyclingBufferPool()
  for (const foreign of [Buffer.alloc(0), Buffer.alloc(64 * KIB), Buffer.from('small'), memory.take(100)]) {
    memory.release(foreign)
  }
  t.equal(memory.keptBytes, 0)
  t.end()
})
