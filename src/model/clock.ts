/** The time, passed as a parameter so that tests can control it. */
export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number
  /** Monotonic time in milliseconds from an arbitrary start: for durations and windows. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now()
}
