/**
 * The ages of the ids in a first-in-first-out queue, without a time for each id: for each tick in which ids were added, the
 * number of these ids that are left.
 */
export class AgeMarks {
  /** Two rings with the same positions: a mark is a tick and its count. */
  readonly #ticks: Int32Array
  readonly #counts: Int32Array
  #oldest = 0
  #newest = 0
  #marks = 0

  /** @param maxMarks the most ticks that are counted separately */
  constructor(maxMarks: number) {
    this.#ticks = new Int32Array(maxMarks)
    this.#counts = new Int32Array(maxMarks)
  }

  get bytes(): number {
    return this.#ticks.byteLength + this.#counts.byteLength
  }

  /** Adds an id of this tick. If the tick is before the newest mark's, the id counts for the newest mark, to keep the order. */
  add(tick: number): void {
    if (this.#marks === 0 || tick > (this.#ticks[this.#newest] as number)) this.#mark(tick)
    this.#counts[this.#newest] = (this.#counts[this.#newest] as number) + 1
  }

  /** Whether there is an id and the oldest id is from before this tick. */
  isOldestBefore(tick: number): boolean {
    return this.#marks > 0 && (this.#ticks[this.#oldest] as number) < tick
  }

  /** Removes the oldest id; there must be one. */
  removeOldest(): void {
    const left = (this.#counts[this.#oldest] as number) - 1
    this.#counts[this.#oldest] = left
    if (left > 0) return
    this.#marks--
    if (this.#marks > 0) this.#oldest = this.#after(this.#oldest)
  }

  /** If no mark is free, the newest mark moves to this tick: its ids are then remembered longer, never shorter. */
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
