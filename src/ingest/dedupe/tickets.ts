/** 32-bit words that a ticket takes. */
const WORDS = 3

const FIRST_TICKETS = 64

/**
 * The hashes of ids that are on their way, each under a ticket: a number from 1 on, used again once it is given back.
 * As many as there are at once, and never fewer: what is on its way is not forgotten to make room.
 */
export class Tickets {
  /** Of ticket n from (n - 1) * WORDS on: the hash's halves, and after a free one the free ticket to take next. */
  words = new Int32Array(FIRST_TICKETS * WORDS)
  /** How many are out. */
  count = 0
  /** So many were ever out at once. */
  #made = 0
  #free = 0

  take(high: number, low: number): number {
    const ticket = this.#free === 0 ? this.#make() : this.#free
    const at = (ticket - 1) * WORDS
    if (this.#free !== 0) this.#free = this.words[at + 2] as number
    this.words[at] = high
    this.words[at + 1] = low
    this.count++
    return ticket
  }

  /** The high half of the hash under a ticket that is out. */
  highOf(ticket: number): number {
    return this.words[(ticket - 1) * WORDS] as number
  }

  /** The low half of the hash under a ticket that is out. */
  lowOf(ticket: number): number {
    return this.words[(ticket - 1) * WORDS + 1] as number
  }

  giveBack(ticket: number): void {
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
