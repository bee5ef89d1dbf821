import type { Background } from '../../model/background.ts'
import { createMatcher } from '../ring/filter.ts'
import type { EventFilter } from '../ring/filter.ts'
import type { RecentEvents } from '../ring/recent.ts'
import type { StoredEvent } from '../ring/ring.ts'
import { collectEvents } from '../ring/search.ts'

export interface WaitOptions {
  readonly filter: EventFilter
  /** Only events with a greater seq count. */
  readonly after: number
  readonly count: number
  readonly limit: number
  readonly waitMs: number
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal
  readonly background: Background
}

/** New events are examined after this delay, so that many at once are examined together. */
const SETTLE_MS = 20

interface Awaited {
  /** Oldest first. */
  readonly found: readonly StoredEvent[]
  /** The last seq that was examined. */
  readonly seen: number
}

/** Resolves with the matching events as soon as there are `count` of them, or with those there are when the time is up. */
export async function waitForEvents(recent: RecentEvents, options: WaitOptions): Promise<Awaited> {
  const { filter, count, limit, waitMs, signal, background } = options
  const matches = createMatcher(filter)
  const end = performance.now() + waitMs
  const found: StoredEvent[] = []
  let seen = options.after
  while (!signal.aborted) {
    const newest = recent.nextSeq() - 1
    const wanted = { matches, limit: limit - found.length, signal, background }
    const more = await collectEvents(upTo(recent.after(seen), newest), wanted)
    found.push(...more)
    seen = newest
    const left = end - performance.now()
    if (found.length >= Math.min(count, limit) || left <= 0) break
    await nextEvents(recent, seen, { ms: left, signal })
  }
  return { found, seen }
}

function* upTo(events: Iterable<StoredEvent>, last: number): Generator<StoredEvent> {
  for (const stored of events) {
    if (stored.seq > last) return
    yield stored
  }
}

/** Resolves SETTLE_MS after the next event, at the latest when the time is up or `signal` aborts. */
function nextEvents(recent: RecentEvents, seen: number, until: { ms: number; signal: AbortSignal }): Promise<void> {
  if (recent.nextSeq() - 1 > seen) return Promise.resolve()
  return new Promise(resolve => {
    let settle: NodeJS.Timeout | undefined
    const done = (): void => {
      unsubscribe()
      clearTimeout(timer)
      clearTimeout(settle)
      until.signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, until.ms)
    const unsubscribe = recent.subscribe(() => {
      settle ??= setTimeout(done, SETTLE_MS)
    })
    until.signal.addEventListener('abort', done)
  })
}
