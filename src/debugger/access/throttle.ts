export interface Throttle {
  /** Whole seconds until this address may try again; 0 when it may now. */
  wait(address: string): number
  /** A wrong password came from there. */
  failed(address: string): void
}

/** Wrong passwords in one window after which the address, or everybody, has to wait for its end. */
const MAX_FAILURES_PER_ADDRESS = 10
const MAX_FAILURES = 100
const WINDOW_MS = 60_000

/** Slows guessing down. Bounded: addresses are remembered for one window, and at most as many as there were failures. */
export function createThrottle(monotonic: () => number): Throttle {
  let windowStart = monotonic()
  let failures = new Map<string, number>()
  let total = 0

  function roll(): void {
    if (monotonic() - windowStart < WINDOW_MS) return
    windowStart = monotonic()
    failures = new Map()
    total = 0
  }

  return {
    wait(address) {
      roll()
      if (total < MAX_FAILURES && (failures.get(address) ?? 0) < MAX_FAILURES_PER_ADDRESS) return 0
      return Math.max(1, Math.ceil((windowStart + WINDOW_MS - monotonic()) / 1000))
    },
    failed(address) {
      roll()
      total++
      failures.set(address, (failures.get(address) ?? 0) + 1)
    }
  }
}
