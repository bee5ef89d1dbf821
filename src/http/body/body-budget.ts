/** What the bodies of all requests under way may hold together: some 500 whole batches, or 200,000 events of 1 KB. */
const MAX_HELD_BODY_BYTES = 256 * 1024 * 1024

/** A bound on the memory that bodies take: each is bounded by itself, but there may be many connections. */
export interface BodyBudget {
  /** False where that is too much now; then nothing was taken. */
  take(bytes: number): boolean
  giveBack(bytes: number): void
  /** Bytes that are held now. */
  readonly held: number
}

export function createBodyBudget(limit: number = MAX_HELD_BODY_BYTES): BodyBudget {
  let held = 0
  return {
    take(bytes) {
      if (held + bytes > limit) return false
      held += bytes
      return true
    },
    giveBack(bytes) {
      held -= bytes
    },
    get held() {
      return held
    }
  }
}
