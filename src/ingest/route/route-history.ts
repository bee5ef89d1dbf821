import type { Destination } from '../../model/destination.ts'

/** Destinations, and since when they are in force. */
export interface RoutesInForce {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly destinations: readonly Destination[]
}

/** The most configurations that are kept, so that the debugger can say which of them routed an event. */
const MAX_KEPT = 8

/** The destinations that were in force since the start, oldest first; the last are in force now. */
export class RouteHistory {
  readonly #now: () => number
  #kept: readonly RoutesInForce[]

  constructor(first: readonly Destination[], now: () => number) {
    this.#now = now
    this.#kept = [{ since: now(), destinations: first }]
  }

  get kept(): readonly RoutesInForce[] {
    return this.#kept
  }

  /** Notes destinations that come into force now. An edit that changes other parts of the file changes nothing here. */
  note(destinations: readonly Destination[]): void {
    const isSame = JSON.stringify(this.#kept.at(-1)?.destinations) === JSON.stringify(destinations)
    if (!isSame) this.#kept = [...this.#kept, { since: this.#now(), destinations }].slice(-MAX_KEPT)
  }
}
