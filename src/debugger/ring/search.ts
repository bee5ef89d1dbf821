import type { Background } from '../../model/background.ts'
import type { Matcher } from './filter.ts'
import type { StoredEvent } from './ring.ts'

export interface Wanted {
  readonly matches: Matcher
  readonly limit: number
  readonly background: Background
  /** Ends the search early. */
  readonly signal?: AbortSignal
}

/**
 * Resolves with the first `limit` matching events. It searches in slices of background work, so that even a search through
 * everything in memory delays no request.
 */
export async function collectEvents(events: Iterable<StoredEvent>, wanted: Wanted): Promise<StoredEvent[]> {
  const found: StoredEvent[] = []
  for await (const stored of matchingEvents(events, wanted)) {
    if (found.push(stored) >= wanted.limit) break
  }
  return found
}

/** Yields the matching events, in slices of background work. */
export async function* matchingEvents(
  events: Iterable<StoredEvent>,
  { matches, background, signal }: Omit<Wanted, 'limit'>
): AsyncGenerator<StoredEvent> {
  await background.slice()
  for (const stored of events) {
    if (matches(stored)) yield stored
    if (!background.isOver()) continue
    await background.slice()
    if (signal?.aborted === true) return
  }
}
