/** 32-bit words of a ticket. */
const WORDS = 3

const FIRST_TICKETS = 64

/**
 * The hashes of ids in flight, each under a ticket: a number from 1 on that is reused after release(). The number of
 * tickets is not limited here, because an id in flight must not be evicted.
 */
export class Tickets {
  /** The words of ticket n begin at (n - 1) * WORDS: the halves of the hash, and for a free ticket the next free ticket. */
  words = new Int32Array(FIRST_TICKETS * WORDS)
  /** The number of tickets in use. */
  count = 0
  /** The most tickets that were ever in use at the same time. */
  #made = 0
  #free = 0

  /** Stores the halves of a hash, and returns its ticket. */
  take(high: number, low: number): number {
    const ticket = this.#free === 0 ? this.#make() : this.#free
    const at = (ticket - 1) * WORDS
    if (this.#free !== 0) this.#free = this.words[at + 2] as number
    this.words[at] = high
    this.words[at + 1] = low
    this.count++
    return ticket
  }

  /** The high half of the hash of a ticket in use. */
  highOf(ticket: number): number {
    return this.words[(ticket - 1) * WORDS] as number
  }

  /** The low half of the hash of a ticket in use. */
  lowOf(ticket: number): number {
    return this.words[(ticket - 1) * WORDS + 1] as number
  }

  /** Frees a ticket that is in use. */
  release(ticket: number): void {
    this.words[(ticket - 1) * WORDS + 2] = this.#free
    this.#free = ticket
    this.count--
  }

  #make(): number {
    if (this.#made * WORDS === this.words.length) {
      const grown = new Int32Array(this.words.length * 2)
      grown.set(this.words)
      this.words = grown
    }
    return ++this.#made
  }
}
