import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Matcher } from './filter.ts'
import type { StoredEvent } from './ring.ts'

/** How long a search may keep other work waiting, in milliseconds. */
const SLICE_MS = 2
/** The clock is asked once for so many events. */
const EVENTS_PER_LOOK = 16

/**
 * The first `limit` events that match. However many are looked at, requests and other work go on in between: a search
 * through everything that is kept takes a while, but holds nobody up. Ends early where `signal` aborts.
 */
export async function collect(
  events: Iterable<StoredEvent>,
  wanted: { readonly matches: Matcher; readonly limit: number; readonly signal?: AbortSignal }
): Promise<StoredEvent[]> {
  const found: StoredEvent[] = []
  let seen = 0
  let sliceEnd = performance.now() + SLICE_MS
  for (const stored of events) {
    if (wanted.matches(stored) && found.push(stored) >= wanted.limit) break
    if (++seen % EVENTS_PER_LOOK !== 0 || performance.now() < sliceEnd) continue
    await nextTurn()
    if (wanted.signal?.aborted === true) break
    sliceEnd = performance.now() + SLICE_MS
  }
  return found
}
