import t from 'tap'
import { createRateLimiter } from '../../src/ingest/rate-limit.ts'
import type { RateLimit, Source } from '../../src/model/source.ts'

function createSubject(rateLimit: RateLimit | undefined) {
  let now = 0
  const limiter = createRateLimiter({ clock: { now: () => 0, monotonic: () => now }, maxBatchEvents: 2_500 })
  const source: Source = { id: 'web', name: 'web', enabled: true, allowedOrigins: undefined, rateLimit }
  return { take: (events: number) => limiter.take(source, events), advance: (ms: number) => (now += ms) }
}

t.test('a source without a limit is never held', async t => {
  t.equal(createSubject(undefined).take(1_000_000), 0)
})

t.test('a whole legal batch always fits into a full bucket, however low the rate', async t => {
  const { take, advance } = createSubject({ eventsPerSecond: 10 })
  t.equal(take(2_500), 0)
  t.equal(take(1), 1)
  advance(10_000)
  t.equal(take(100), 0)
  t.equal(take(1), 1)
})

t.test('the time to wait is in whole seconds and is long enough', async t => {
  const { take, advance } = createSubject({ eventsPerSecond: 100 })
  take(2_500)
  const seconds = take(250)
  t.equal(seconds, 3)
  advance(seconds * 1000)
  t.equal(take(250), 0)
})

t.test('a refused request takes nothing', async t => {
  const { take, advance } = createSubject({ eventsPerSecond: 100 })
  take(2_500)
  for (let i = 0; i < 10; i++) take(100)
  advance(1_000)
  t.equal(take(100), 0)
})

t.test('requests are counted beside events', async t => {
  const { take, advance } = createSubject({ requestsPerSecond: 2 })
  t.same([take(1), take(1), take(1)], [0, 0, 1])
  advance(500)
  t.equal(take(100), 0)
})
