export interface Throttle {
  /** The whole seconds until this address may try again; 0: now. */
  wait(address: string): number
  /** Counts a wrong password from this address. */
  failed(address: string): void
}

/** After so many wrong passwords in one window, the address (or every address) waits until the window ends. */
const MAX_FAILURES_PER_ADDRESS = 10
const MAX_FAILURES = 100
const WINDOW_MS = 60_000

/** Limits the rate of wrong passwords. An address is kept for one window, so there are never more addresses than failures. */
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
