import type { Clock } from '../../model/clock.ts'
import type { RateLimit, Source } from '../../model/source.ts'
import type { RateLimiter } from './contract.ts'

export interface RateLimiterOptions {
  readonly clock: Clock
  /** The smallest burst, so that a batch of the largest size can pass. */
  readonly maxBatchEvents: number
  /** How sources' limits are shared with other servers; default: this server has the whole limit. */
  readonly sharing?: RateSharing | undefined
}

export interface RateSharing {
  /** This server's part of a source's limits, from 0 to 1. */
  shareOf(source: string): { readonly events: number; readonly requests: number }
  /** Called for each request of a source with a limit, whether the request passes or not. */
  offered(source: string, events: number): void
}

/** A token bucket. A request that is larger than the burst passes a full bucket, and its level is then negative. */
interface Bucket {
  /** The limit of the source. */
  readonly limit: { readonly perSecond: number; readonly burst: number }
  /** This server's part of the limit, from 0 to 1. */
  share: number
  perSecond: number
  burst: number
  level: number
  filledAt: number
}

interface SourceBuckets {
  readonly limit: RateLimit
  readonly events: Bucket | undefined
  readonly requests: Bucket | undefined
}

/**
 * Limits each source in events and in requests a second. A request passes as a whole or not at all. Edits of tributary.yml
 * do not reset a bucket: if the limit changes, the filled fraction stays; otherwise the level stays.
 */
export function createRateLimiter({ clock, maxBatchEvents, sharing }: RateLimiterOptions): RateLimiter {
  const buckets = new Map<string, SourceBuckets>()

  function bucketsOf({ id, rateLimit }: Source): SourceBuckets | undefined {
    if (rateLimit === undefined) return undefined
    const known = buckets.get(id)
    if (known?.limit === rateLimit) return known
    const now = clock.monotonic()
    const made = {
      limit: rateLimit,
      events: makeBucket(rateLimit.eventsPerSecond, { minBurst: maxBatchEvents, before: known?.events, now }),
      requests: makeBucket(rateLimit.requestsPerSecond, { minBurst: 1, before: known?.requests, now })
    }
    buckets.set(id, made)
    return made
  }

  return {
    take(source, events) {
      const found = bucketsOf(source)
      if (found === undefined) return 0
      const now = clock.monotonic()
      if (sharing !== undefined) {
        sharing.offered(source.id, events)
        const { events: ofEvents, requests } = sharing.shareOf(source.id)
        takeShare(found.events, ofEvents, now)
        takeShare(found.requests, requests, now)
      }
      const wait = Math.max(secondsUntil(found.events, events, now), secondsUntil(found.requests, 1, now))
      if (wait > 0) return Math.ceil(wait)
      if (found.events !== undefined) found.events.level -= events
      if (found.requests !== undefined) found.requests.level -= 1
      return 0
    }
  }
}

function makeBucket(
  perSecond: number | undefined,
  { minBurst, before, now }: { readonly minBurst: number; readonly before: Bucket | undefined; readonly now: number }
): Bucket | undefined {
  if (perSecond === undefined) return undefined
  const burst = Math.max(perSecond, minBurst)
  if (before !== undefined) fill(before, now)
  const level = before === undefined ? burst : burst * (before.level / before.burst)
  return { limit: { perSecond, burst }, share: 1, perSecond, burst, level, filledAt: now }
}

/**
 * Applies a new share. A full bucket stays full, because servers that share a limit share its burst too, and an empty one stays
 * empty. Levels in proportion to the share would pass 8 to 16 % more than the limit where shares waver, because a bucket would
 * hold enough for a request whenever its share is high for a moment.
 */
function takeShare(bucket: Bucket | undefined, share: number, now: number): void {
  if (bucket === undefined || bucket.share === share || share <= 0) return
  fill(bucket, now)
  const filled = Math.max(0, bucket.level / bucket.burst)
  const burst = bucket.limit.burst * share
  bucket.level = Math.min(burst, bucket.level + (burst - bucket.burst) * filled ** 2)
  bucket.share = share
  bucket.perSecond = bucket.limit.perSecond * share
  bucket.burst = burst
}

function fill(bucket: Bucket, now: number): void {
  bucket.level = Math.min(bucket.burst, bucket.level + ((now - bucket.filledAt) / 1000) * bucket.perSecond)
  bucket.filledAt = now
}

/** Fills the bucket up to now. Returns the seconds until it holds `tokens`; 0 if it does. */
function secondsUntil(bucket: Bucket | undefined, tokens: number, now: number): number {
  if (bucket === undefined) return 0
  fill(bucket, now)
  // A request with more events than the burst passes a full bucket.
  return Math.max(0, (Math.min(tokens, bucket.burst) - bucket.level) / bucket.perSecond)
}
