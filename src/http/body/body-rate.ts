/** The minimum average rate of a body, measured from its start and enforced after a grace period. */
export interface MinimumBodyRate {
  readonly graceMs: number
  readonly bytesPerSecond: number
}

/**
 * No working network is this slow: a phone at the edge of its cell sends ten times as much, and has ten seconds to get
 * started. A client that sends more slowly occupies a connection and memory for nothing.
 */
export const DEFAULT_MINIMUM_RATE: MinimumBodyRate = { graceMs: 10_000, bytesPerSecond: 500 }

const CHECK_EVERY_MS = 1_000

/**
 * Watches the rate of a body while it is being received.
 *
 * @param received returns the number of bytes received so far
 * @param onTooSlow called at most once
 * @returns a function that ends the watch
 */
export function watchBodyRate(minimumRate: MinimumBodyRate, received: () => number, onTooSlow: () => void): () => void {
  const started = performance.now()
  let isOver = false
  let timer = setTimeout(checkSoon, minimumRate.graceMs).unref()
  /** Lets the server read first what has arrived in the meantime, because the server itself may be late. */
  function checkSoon(): void {
    setImmediate(check)
  }
  function check(): void {
    if (isOver) return
    const seconds = (performance.now() - started) / 1_000
    if (received() < seconds * minimumRate.bytesPerSecond) onTooSlow()
    else timer = setTimeout(checkSoon, CHECK_EVERY_MS).unref()
  }
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
