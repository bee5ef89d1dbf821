import type { Clock } from '../../model/clock.ts'
import type { RateLimit, Source } from '../../model/source.ts'
import type { RateLimiter } from './contract.ts'

export interface RateLimiterOptions {
  readonly clock: Clock
  /** The burst is never below a whole batch: else a legal batch could never pass. */
  readonly maxBatchEvents: number
  /** Where a source's limit is shared with other servers; default: this server has all of it. */
  readonly sharing?: RateSharing | undefined
}

export interface RateSharing {
  /** This server's part of a source's limits, from 0 to 1. */
  shareOf(source: string): { readonly events: number; readonly requests: number }
  /** Told of each request of a source with a limit, whether it passes or not. */
  offered(source: string, events: number): void
}

/** A bucket that fills steadily up to its burst. Levels may go below zero by one request that found it filled. */
interface Bucket {
  /** As the source has it. */
  readonly limit: { readonly perSecond: number; readonly burst: number }
  /** This server's part of it. */
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
 * Per source, in events and in requests a second; a request passes whole or not at all. A bucket outlives edits of
 * tributary.yml: an edit that changes its limit keeps the share that is filled, any other edit keeps all of it.
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

/** What is filled, as a part of the burst, stays: servers that share a limit share its burst too. */
function takeShare(bucket: Bucket | undefined, share: number, now: number): void {
  if (bucket === undefined || bucket.share === share || share <= 0) return
  fill(bucket, now)
  const filled = bucket.level / bucket.burst
  bucket.share = share
  bucket.perSecond = bucket.limit.perSecond * share
  bucket.burst = bucket.limit.burst * share
  bucket.level = bucket.burst * filled
}

function fill(bucket: Bucket, now: number): void {
  bucket.level = Math.min(bucket.burst, bucket.level + ((now - bucket.filledAt) / 1000) * bucket.perSecond)
  bucket.filledAt = now
}

/** Fills the bucket up to now, then tells how long until it holds `tokens`; 0 when it does. */
function secondsUntil(bucket: Bucket | undefined, tokens: number, now: number): number {
  if (bucket === undefined) return 0
  fill(bucket, now)
  // A body may hold more events than a bucket ever will, where the operator raised the limit: it passes a full one.
  return Math.max(0, (Math.min(tokens, bucket.burst) - bucket.level) / bucket.perSecond)
}
