/** The most bytes of all bodies in flight: about 500 full batches, or 200,000 events of 1 KB. */
const MAX_HELD_BODY_BYTES = 256 * 1024 * 1024

/** Bounds the memory of all bodies together: each body has a limit of its own, but there may be many connections. */
export interface BodyBudget {
  /** False if the budget is used up; then nothing was taken. */
  take(bytes: number): boolean
  release(bytes: number): void
  /** Bytes that bodies hold now. */
  readonly held: number
}

/** @param limit in bytes, for all bodies together */
export function createBodyBudget(limit: number = MAX_HELD_BODY_BYTES): BodyBudget {
  let held = 0
  return {
    take(bytes) {
      if (held + bytes > limit) return false
      held += bytes
      return true
    },
    release(bytes) {
      held -= bytes
    },
    get held() {
      return held
    }
  }
}
