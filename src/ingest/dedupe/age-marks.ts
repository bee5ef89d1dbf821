/**
 * How old the ids of a first-in-first-out queue are, without a time for each: for each tick that any were kept in, how
 * many of them are left.
 */
export class AgeMarks {
  /** Two rings, of the same places: a mark is a tick and a count. */
  readonly #ticks: Int32Array
  readonly #counts: Int32Array
  #oldest = 0
  #newest = 0
  #marks = 0

  /** @param maxMarks how many ticks are told apart */
  constructor(maxMarks: number) {
    this.#ticks = new Int32Array(maxMarks)
    this.#counts = new Int32Array(maxMarks)
  }

  get bytes(): number {
    return this.#ticks.byteLength + this.#counts.byteLength
  }

  /** One more id, kept in this tick; in no earlier one than the id before it, since it does not go before that one. */
  add(tick: number): void {
    if (this.#marks === 0 || tick > (this.#ticks[this.#newest] as number)) this.#mark(tick)
    this.#counts[this.#newest] = (this.#counts[this.#newest] as number) + 1
  }

  /** Whether there is an id, and the oldest was kept before this tick. */
  isOldestBefore(tick: number): boolean {
    return this.#marks > 0 && (this.#ticks[this.#oldest] as number) < tick
  }

  /** The oldest id is gone; there must be one. */
  removeOldest(): void {
    const left = (this.#counts[this.#oldest] as number) - 1
    this.#counts[this.#oldest] = left
    if (left > 0) return
    this.#marks--
    if (this.#marks > 0) this.#oldest = this.#after(this.#oldest)
  }

  /** Where no mark is free, the newest moves to this tick: its ids are then remembered for longer, not for less. */
  #mark(tick: number): void {
    if (this.#marks < this.#ticks.length) {
      if (this.#marks > 0) this.#newest = this.#after(this.#newest)
      this.#marks++
    }
    this.#ticks[this.#newest] = tick
  }

  #after(place: number): number {
    return place + 1 < this.#ticks.length ? place + 1 : 0
  }
}
