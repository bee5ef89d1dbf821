/** Counts what was refused to each address, so that nobody can guess, or keep the server busy with checks, without end. */
export interface FailureLimit {
  /** Whether the address has had as many failures in this window as it may have. */
  isReached(address: string): boolean
  /**
   * Counts failures of an address.
   *
   * @returns whether the address has now had more than it may have
   */
  failed(address: string, count?: number): boolean
}

/** The most failures of one address in a window. */
const MAX_FAILURES = 1_000
const WINDOW_MS = 60_000
/** The most addresses that are counted within one window; further new addresses are not counted. */
const MAX_ADDRESSES = 10_000

/** @param monotonic milliseconds */
export function createFailureLimit(monotonic: () => number): FailureLimit {
  let failures = new Map<string, number>()
  let windowStart = monotonic()

  function failuresOf(address: string): number {
    if (monotonic() - windowStart > WINDOW_MS) {
      failures = new Map()
      windowStart = monotonic()
    }
    return failures.get(address) ?? 0
  }

  return {
    isReached: address => failuresOf(address) >= MAX_FAILURES,
    failed(address, count = 1) {
      const before = failuresOf(address)
      const total = before + count
      if (before > 0 || failures.size < MAX_ADDRESSES) failures.set(address, total)
      return total > MAX_FAILURES
    }
  }
}
