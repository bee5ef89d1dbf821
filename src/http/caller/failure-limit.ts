/** Counts what was refused to an address, so that nobody can guess, or keep the server busy with checks, without end. */
export interface FailureLimit {
  isOver(address: string): boolean
  failed(address: string): void
}

/** As for unknown write keys. */
const MAX_FAILURES = 1_000
const WINDOW_MS = 60_000
/** Addresses that are remembered within one window; a flood of new ones beyond that is not told apart. */
const MAX_ADDRESSES = 10_000

/** @param monotonic milliseconds */
export function createFailureLimit(monotonic: () => number): FailureLimit {
  let failures = new Map<string, number>()
  let start = monotonic()
  return {
    isOver(address) {
      if (monotonic() - start > WINDOW_MS) {
        failures = new Map()
        start = monotonic()
      }
      return (failures.get(address) ?? 0) >= MAX_FAILURES
    },
    failed(address) {
      const before = failures.get(address) ?? 0
      if (before > 0 || failures.size < MAX_ADDRESSES) failures.set(address, before + 1)
    }
  }
}
