import t from 'tap'
import { createRateLimiter } from '../../../src/ingest/pipeline/rate-limit.ts'
import type { RateLimit, Source } from '../../../src/model/source.ts'

function sourceWith(rateLimit: RateLimit | undefined): Source {
  return { id: 'web', name: 'web', enabled: true, allowedOrigins: undefined, rateLimit }
}

function createSubject(rateLimit: RateLimit | undefined) {
  let now = 0
  const limiter = createRateLimiter({ clock: { now: () => 0, monotonic: () => now }, maxBatchEvents: 2_500 })
  let source = sourceWith(rateLimit)
  return {
    take: (events: number) => limiter.take(source, events),
    advance: (ms: number) => (now += ms),
    /** Like every edit of tributary.yml: the source is a new object, and so is its limit. */
    edit: (next: RateLimit | undefined) => void (source = sourceWith(next))
  }
}

t.test('a source without a limit never waits', async t => {
  t.equal(createSubject(undefined).take(1_000_000), 0)
})

t.test('a whole valid batch always fits into a full bucket, however low the rate', async t => {
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

t.test('a refused request uses nothing of the limit', async t => {
  const { take, advance } = createSubject({ eventsPerSecond: 100 })
  take(2_500)
  for (let i = 0; i < 10; i++) take(100)
  advance(1_000)
  t.equal(take(100), 0)
})

t.test('requests are counted besides events', async t => {
  const { take, advance } = createSubject({ requestsPerSecond: 2 })
  t.same([take(1), take(1), take(1)], [0, 0, 1])
  advance(500)
  t.equal(take(100), 0)
})

t.test('an edit that does not change the limit gives no new burst', async t => {
  const { take, advance, edit } = createSubject({ eventsPerSecond: 100, requestsPerSecond: 2 })
  t.same([take(2_500), take(1)], [0, 1])
  edit({ eventsPerSecond: 100, requestsPerSecond: 2 })
  t.equal(take(1), 1, 'the used share is the same as before the edit')
  advance(1_000)
  t.same([take(100), take(1)], [0, 1])
})

t.test('an edit that changes the limit keeps the used share of it', async t => {
  const { take, advance, edit } = createSubject({ eventsPerSecond: 5_000 })
  t.equal(take(5_000), 0)
  edit({ eventsPerSecond: 4_000 })
  t.equal(take(1), 1, 'an empty bucket stays empty')
  advance(500)
  t.same([take(2_000), take(1)], [0, 1])
  advance(500)
  edit({ eventsPerSecond: 8_000 })
  t.same([take(4_000), take(1)], [0, 1], 'a bucket that is half full stays half full')
})

t.test('a limit for requests that an edit adds begins full, and the limit for events continues as it was', async t => {
  const { take, edit } = createSubject({ eventsPerSecond: 5_000 })
  t.equal(take(5_000), 0)
  edit({ eventsPerSecond: 5_000, requestsPerSecond: 1 })
  t.equal(take(1), 1)
  edit({ requestsPerSecond: 1 })
  t.same([take(1), take(1)], [0, 1])
})

t.test('a limit keeps its level if one edit removes it by mistake and the next one restores it', async t => {
  const { take, edit } = createSubject({ eventsPerSecond: 5_000 })
  t.equal(take(5_000), 0)
  edit(undefined)
  t.equal(take(1_000_000), 0)
  edit({ eventsPerSecond: 5_000 })
  t.equal(take(1), 1)
})
