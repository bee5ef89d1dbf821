import fc from 'fast-check'
import t from 'tap'
import { EntryRing } from '../../../src/ingest/dedupe/entry-ring.ts'

const CHUNK_IDS = 8_192
const CHUNK_BYTES = CHUNK_IDS * 8

/** Adds an entry. If the ring is full, removes the oldest entry before. */
function push(ring: EntryRing, n: number): number {
  if (ring.isFull) ring.removeOldest()
  return ring.append(n, -n)
}

t.test(
  'for any sequence a ring of several chunks holds what a plain list would, each at its position, and no empty chunk except a spare',
  t => {
    const many = fc.oneof(fc.nat(12_000), fc.constantFrom(CHUNK_IDS - 1, CHUNK_IDS, 2 * CHUNK_IDS))
    const step = fc.oneof(fc.record({ add: many }), fc.record({ remove: many }))
    const capacity = fc.constantFrom(1, 100, CHUNK_IDS - 1, CHUNK_IDS, CHUNK_IDS + 1, 2 * CHUNK_IDS, 30_000)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), capacity, (steps, capacity) => {
        const ring = new EntryRing(capacity)
        const places: number[] = []
        let next = 0
        let oldest = 0
        for (const each of steps) {
          if ('add' in each) for (let i = 0; i < each.add; i++, next++) places[next] = push(ring, next)
          oldest = Math.max(oldest, next - capacity)
          for (let i = 0; 'remove' in each && i < each.remove && ring.count > 0; i++, oldest++) ring.removeOldest()
          if (ring.count !== next - oldest || ring.isFull !== (next - oldest === capacity)) return false
          if (ring.count > 0 && ring.oldest !== places[oldest]) return false
          for (let n = oldest; n < next; n++) {
            const place = places[n] as number
            if (place >= capacity || ring.highOf(place) !== n || ring.lowOf(place) !== 0 - n) return false
          }
          const chunks = new Set(places.slice(oldest, next).map(place => Math.floor(place / CHUNK_IDS)))
          if (ring.oldest % CHUNK_IDS !== 0) chunks.add(Math.floor(ring.oldest / CHUNK_IDS))
          if (ring.bytes > (chunks.size + 1) * CHUNK_BYTES) return false
        }
        return true
      }),
      { numRuns: 200 }
    )
    t.pass('200 random sequences were compared')
    t.end()
  }
)

t.test('a ring that is emptied again and again allocates one chunk for each that it fills, and no more', async t => {
  for (const ids of [1, 1_000, CHUNK_IDS, 2 * CHUNK_IDS]) {
    const ring = new EntryRing(10 * CHUNK_IDS)
    for (let round = 0; round < 20; round++) {
      for (let n = 0; n < ids; n++) push(ring, n)
      t.ok(ring.bytes <= (ids / CHUNK_IDS + 2) * CHUNK_BYTES)
      while (ring.count > 0) ring.removeOldest()
      t.ok(ring.bytes <= 2 * CHUNK_BYTES)
    }
  }
})

t.test('a few ids that move through a large ring need at most three chunks', async t => {
  const ring = new EntryRing(10 * CHUNK_IDS)
  let most = 0
  for (let n = 0; n < 25 * CHUNK_IDS; n++) {
    if (ring.count === 1_000) ring.removeOldest()
    push(ring, n)
    most = Math.max(most, ring.bytes)
  }
  t.ok(most <= 3 * CHUNK_BYTES, `the ring has at most ${most} bytes`)
})
