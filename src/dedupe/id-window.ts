export interface IdWindowOptions {
  /** How many ids are remembered at most; the oldest make room. */
  readonly maxIds: number
  /** How long an id is remembered, in milliseconds. */
  readonly windowMs: number
  /** Monotonic milliseconds, so that a clock that jumps forgets nothing. */
  readonly monotonic: () => number
  /** Two 32-bit numbers that make the hashes differ from one installation to the next. */
  readonly seed: readonly [number, number]
  /** Told of each id that is new, by the halves of its hash: for keeping the window over a restart. */
  readonly onAdd?: (high: number, low: number) => void
}

const INITIAL_IDS = 1024
/** Slots per id: an open-addressed table stays fast while it is at most half full. */
const SLOTS_PER_ID = 2
const TICK_MS = 1000

/**
 * A first-in-first-out window over 64-bit hashes of messageIds: 12 bytes for an entry and 8 for its slots, 20 bytes
 * an id, no objects. Two of 2,000,000 ids collide with a chance of 1 in 10,000,000 (2e6^2 / 2^65); an event lost
 * that way is the price of not keeping the ids themselves, and is counted as a duplicate, not lost silently.
 */
export class HashIdWindow {
  readonly #options: IdWindowOptions
  readonly #startMs: number
  readonly #windowTicks: number
  #capacity: number
  /** A ring of entries, oldest at #first: the hash's halves and the second it was added in. */
  #high: Uint32Array
  #low: Uint32Array
  #tick: Uint32Array
  #first = 0
  #count = 0
  /** Open addressing with linear probing: ring position + 1, or 0 for a free slot. */
  #slots: Uint32Array
  #mask: number
  #hashHigh = 0
  #hashLow = 0

  constructor(options: IdWindowOptions) {
    this.#options = options
    this.#startMs = options.monotonic()
    this.#windowTicks = Math.ceil(options.windowMs / TICK_MS)
    this.#capacity = Math.min(INITIAL_IDS, options.maxIds)
    this.#high = new Uint32Array(this.#capacity)
    this.#low = new Uint32Array(this.#capacity)
    this.#tick = new Uint32Array(this.#capacity)
    this.#slots = new Uint32Array(slotsFor(this.#capacity))
    this.#mask = this.#slots.length - 1
  }

  get size(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#capacity * 12 + this.#slots.byteLength
  }

  has(messageId: string): boolean {
    this.#forgetOld()
    this.#hash(messageId)
    return this.#slots[this.#find()] !== 0
  }

  /** The hash of the id that has() was last asked for. */
  hashOfLast(): { readonly high: number; readonly low: number } {
    return { high: this.#hashHigh, low: this.#hashLow }
  }

  add({ high, low }: { readonly high: number; readonly low: number }): void {
    if (this.#insert(high, low, this.#now())) this.#options.onAdd?.(high, low)
  }

  /** Puts back an id that was added `ageSeconds` ago, by the halves of its hash; in the order they were added. */
  restore(high: number, low: number, ageSeconds: number): void {
    const tick = this.#now() - Math.max(0, Math.ceil(ageSeconds))
    if (tick >= this.#now() - this.#windowTicks) this.#insert(high, low, tick)
  }

  #now(): number {
    // Starts at one window, so that what is put back lies before the start and still has a tick.
    return Math.floor((this.#options.monotonic() - this.#startMs) / TICK_MS) + this.#windowTicks
  }

  /** Whether it was new. */
  #insert(high: number, low: number, tick: number): boolean {
    this.#hashHigh = high
    this.#hashLow = low
    if (this.#slots[this.#find()] !== 0) return false
    if (this.#count === this.#capacity) {
      if (this.#capacity < this.#options.maxIds) this.#grow()
      else this.#forgetOldest()
    }
    const at = (this.#first + this.#count) % this.#capacity
    this.#high[at] = high
    this.#low[at] = low
    this.#tick[at] = tick
    this.#count++
    this.#hashHigh = high
    this.#hashLow = low
    this.#slots[this.#find()] = at + 1
    return true
  }

  /** The slot of the current hash, or the free slot where it belongs. */
  #find(): number {
    let slot = this.#hashLow & this.#mask
    for (;;) {
      const entry = this.#slots[slot] as number
      if (entry === 0) return slot
      if (this.#low[entry - 1] === this.#hashLow && this.#high[entry - 1] === this.#hashHigh) return slot
      slot = (slot + 1) & this.#mask
    }
  }

  #forgetOld(): void {
    const oldest = this.#now() - this.#windowTicks
    while (this.#count > 0 && (this.#tick[this.#first] as number) < oldest) this.#forgetOldest()
  }

  #forgetOldest(): void {
    this.#hashHigh = this.#high[this.#first] as number
    this.#hashLow = this.#low[this.#first] as number
    this.#freeSlot(this.#find())
    this.#first = (this.#first + 1) % this.#capacity
    this.#count--
  }

  /** Takes a slot out and moves up what had been pushed past it, so that no search meets a false end. */
  #freeSlot(slot: number): void {
    let hole = slot
    let next = (hole + 1) & this.#mask
    for (;;) {
      const entry = this.#slots[next] as number
      if (entry === 0) break
      const home = (this.#low[entry - 1] as number) & this.#mask
      if (((next - home) & this.#mask) >= ((next - hole) & this.#mask)) {
        this.#slots[hole] = entry
        hole = next
      }
      next = (next + 1) & this.#mask
    }
    this.#slots[hole] = 0
  }

  #grow(): void {
    const capacity = Math.min(this.#capacity * 2, this.#options.maxIds)
    const grown = (old: Uint32Array): Uint32Array => {
      const array = new Uint32Array(capacity)
      array.set(old.subarray(this.#first))
      array.set(old.subarray(0, this.#first), this.#capacity - this.#first)
      return array
    }
    this.#high = grown(this.#high)
    this.#low = grown(this.#low)
    this.#tick = grown(this.#tick)
    this.#first = 0
    this.#capacity = capacity
    this.#slots = new Uint32Array(slotsFor(capacity))
    this.#mask = this.#slots.length - 1
    for (let at = 0; at < this.#count; at++) {
      this.#hashHigh = this.#high[at] as number
      this.#hashLow = this.#low[at] as number
      this.#slots[this.#find()] = at + 1
    }
  }

  /** Two independent 32-bit hashes in one pass, each with murmur3's mixing and final avalanche. */
  #hash(text: string): void {
    let high = this.#options.seed[0]
    let low = this.#options.seed[1]
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      high = Math.imul(high ^ unit, 0x5bd1e995)
      high ^= high >>> 15
      low = Math.imul(low ^ unit, 0xcc9e2d51)
      low = (low << 13) | (low >>> 19)
    }
    this.#hashHigh = avalanche(high ^ text.length)
    this.#hashLow = avalanche(low ^ this.#hashHigh)
  }
}

function avalanche(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function slotsFor(ids: number): number {
  return 2 ** Math.ceil(Math.log2(ids * SLOTS_PER_ID))
}
