/** How fast a body must come in on average, once the grace is over. */
export interface MinimumBodyRate {
  readonly graceMs: number
  readonly bytesPerSecond: number
}

/**
 * So slow is no network that still works: a phone at the edge of its cell brings ten times as much, and has ten seconds
 * to find it. Who dribbles holds a connection and a place in memory for nothing.
 */
export const DEFAULT_MINIMUM_RATE: MinimumBodyRate = { graceMs: 10_000, bytesPerSecond: 500 }

const CHECK_EVERY_MS = 1_000

/**
 * Watches a body that is under way.
 *
 * @param received how many bytes have come in
 * @param onTooSlow called at most once
 * @returns ends the watch
 */
export function watchBodyRate(minimumRate: MinimumBodyRate, received: () => number, onTooSlow: () => void): () => void {
  const started = performance.now()
  let isOver = false
  let timer = setTimeout(look, minimumRate.graceMs).unref()
  /** After what has arrived meanwhile is read: it may be we who were late. */
  function look(): void {
    setImmediate(judge)
  }
  function judge(): void {
    if (isOver) return
    const seconds = (performance.now() - started) / 1_000
    if (received() < seconds * minimumRate.bytesPerSecond) onTooSlow()
    else timer = setTimeout(look, CHECK_EVERY_MS).unref()
  }
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
