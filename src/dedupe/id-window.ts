import type { Clock } from '../model/clock.ts'
import { IdHash } from './hash.ts'
import { Tickets, WORDS } from './tickets.ts'

export interface IdWindowOptions {
  /** How many ids are remembered at most; the oldest make room. */
  readonly maxIds: number
  /** How long an id is remembered, in milliseconds: by the monotonic clock, so that one that jumps forgets nothing. */
  readonly windowMs: number
  readonly clock: Clock
  /** Two 32-bit numbers that make the hashes differ from one installation to the next. */
  readonly seed: readonly [number, number]
  /** Told of each id that is remembered, by the halves of its hash: for keeping the window over a restart. */
  readonly onKeep?: (high: number, low: number, unixSeconds: number) => void
}

const INITIAL_IDS = 1024
/** Slots per id: an open-addressed table stays fast while it is at most half full. */
const SLOTS_PER_ID = 2
const TICK_MS = 1000

/** What take() says of an id that is remembered. */
const KNOWN = 0

/**
 * A first-in-first-out window over 64-bit hashes of messageIds: 12 bytes for an entry and 8 for its slots, 20 bytes
 * an id, no objects. Two of 2,000,000 ids collide with a chance of 1 in 10,000,000 (2e6^2 / 2^65); an event lost
 * that way is the price of not keeping the ids themselves, and is counted as a duplicate, not lost silently.
 *
 * An id that is on its way has its slot already, so that it is hashed and looked up once; its entry lies with the
 * tickets until it is kept, and makes no other one go before.
 */
export class HashIdWindow {
  readonly #options: IdWindowOptions
  readonly #hash: IdHash
  readonly #startMs: number
  readonly #windowTicks: number
  readonly #tickets = new Tickets()
  #capacity: number
  /** A ring of entries, oldest at #first: the hash's halves and the second it was kept in. */
  #entries: Int32Array
  #first = 0
  #count = 0
  /** Open addressing with linear probing: place in the ring + 1, or minus a ticket, or 0 where it is free. */
  #slots: Int32Array
  #mask: number

  constructor(options: IdWindowOptions) {
    this.#options = options
    this.#hash = new IdHash(options.seed)
    this.#startMs = options.clock.monotonic()
    this.#windowTicks = Math.ceil(options.windowMs / TICK_MS)
    this.#capacity = Math.min(INITIAL_IDS, options.maxIds)
    this.#entries = new Int32Array(this.#capacity * WORDS)
    this.#slots = new Int32Array(slotsFor(this.#capacity))
    this.#mask = this.#slots.length - 1
  }

  /** Ids remembered, without those on their way. */
  get size(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#entries.byteLength + this.#slots.byteLength + this.#tickets.words.byteLength
  }

  /** Forgets what is older than the window. */
  forgetOld(): void {
    const oldest = this.#now() - this.#windowTicks
    while (this.#count > 0 && (this.#entries[this.#first * WORDS + 2] as number) < oldest) this.#forgetOldest()
  }

  /**
   * Looks an id up. 0: it is remembered. Below 0: it is on its way under that ticket, with a minus. Above 0: it was
   * neither, and is on its way now under this ticket, which must end in keep() or drop().
   */
  take(messageId: string): number {
    this.#hash.of(messageId)
    const { high, low } = this.#hash
    const slot = this.#find(high, low)
    const holder = this.#slots[slot] as number
    if (holder !== 0) return holder > 0 ? KNOWN : holder
    const ticket = this.#tickets.take(high, low)
    this.#slots[slot] = -ticket
    this.#growTableIfFull()
    return ticket
  }

  /** These ids are remembered from now on. */
  keep(tickets: readonly number[]): void {
    const { clock, onKeep } = this.#options
    const tick = this.#now()
    const unixSeconds = Math.floor(clock.now() / 1000)
    for (const ticket of tickets) {
      this.#makeRoom()
      const { words } = this.#tickets
      const high = words[(ticket - 1) * WORDS] as number
      const low = words[(ticket - 1) * WORDS + 1] as number
      this.#slots[this.#slotOf(-ticket)] = this.#append(high, low, tick)
      this.#tickets.giveBack(ticket)
      onKeep?.(high, low, unixSeconds)
    }
  }

  /** These ids are as if they had never been taken. */
  drop(tickets: readonly number[]): void {
    for (const ticket of tickets) {
      this.#freeSlot(this.#slotOf(-ticket))
      this.#tickets.giveBack(ticket)
    }
  }

  /** Puts back an id that was kept `ageSeconds` ago, by the halves of its hash; in the order they were kept. */
  restore(high: number, low: number, ageSeconds: number): void {
    const now = this.#now()
    const tick = now - Math.max(0, Math.ceil(ageSeconds))
    if (tick < now - this.#windowTicks || this.#slots[this.#find(high, low)] !== 0) return
    this.#makeRoom()
    this.#slots[this.#find(high, low)] = this.#append(high, low, tick)
    this.#growTableIfFull()
  }

  #now(): number {
    // Starts at one window, so that what is put back lies before the start and still has a tick.
    return Math.floor((this.#options.clock.monotonic() - this.#startMs) / TICK_MS) + this.#windowTicks
  }

  /** The slot of a hash, or the free slot where it belongs. */
  #find(high: number, low: number): number {
    let slot = low & this.#mask
    for (;;) {
      const holder = this.#slots[slot] as number
      if (holder === 0) return slot
      const words = holder > 0 ? this.#entries : this.#tickets.words
      const at = (Math.abs(holder) - 1) * WORDS
      if (words[at + 1] === low && words[at] === high) return slot
      slot = (slot + 1) & this.#mask
    }
  }

  /** The slot that an entry or a ticket has. */
  #slotOf(holder: number): number {
    let slot = this.#homeOf(holder)
    while (this.#slots[slot] !== holder) slot = (slot + 1) & this.#mask
    return slot
  }

  /** Where the search for an entry or a ticket begins. */
  #homeOf(holder: number): number {
    const words = holder > 0 ? this.#entries : this.#tickets.words
    return (words[(Math.abs(holder) - 1) * WORDS + 1] as number) & this.#mask
  }

  /** Writes an entry behind the newest; what its slot is to hold. */
  #append(high: number, low: number, tick: number): number {
    const place = (this.#first + this.#count) % this.#capacity
    this.#entries[place * WORDS] = high
    this.#entries[place * WORDS + 1] = low
    this.#entries[place * WORDS + 2] = tick
    this.#count++
    return place + 1
  }

  #makeRoom(): void {
    if (this.#count < this.#capacity) return
    if (this.#capacity < this.#options.maxIds) this.#growRing()
    else this.#forgetOldest()
  }

  #forgetOldest(): void {
    this.#freeSlot(this.#slotOf(this.#first + 1))
    this.#first = (this.#first + 1) % this.#capacity
    this.#count--
  }

  /** Takes a slot out and moves up what had been pushed past it, so that no search meets a false end. */
  #freeSlot(slot: number): void {
    let hole = slot
    let next = (hole + 1) & this.#mask
    for (;;) {
      const holder = this.#slots[next] as number
      if (holder === 0) break
      if (((next - this.#homeOf(holder)) & this.#mask) >= ((next - hole) & this.#mask)) {
        this.#slots[hole] = holder
        hole = next
      }
      next = (next + 1) & this.#mask
    }
    this.#slots[hole] = 0
  }

  /** The ring is full: room is made before its oldest entry, and those from there to the end move up. */
  #growRing(): void {
    const capacity = Math.min(this.#capacity * 2, this.#options.maxIds)
    const added = capacity - this.#capacity
    for (let place = this.#first; this.#first > 0 && place < this.#capacity; place++) {
      this.#slots[this.#slotOf(place + 1)] = place + added + 1
    }
    const grown = new Int32Array(capacity * WORDS)
    const cut = this.#first * WORDS
    grown.set(this.#entries.subarray(0, cut))
    grown.set(this.#entries.subarray(cut), this.#first === 0 ? 0 : cut + added * WORDS)
    if (this.#first > 0) this.#first += added
    this.#entries = grown
    this.#capacity = capacity
  }

  #growTableIfFull(): void {
    if ((this.#count + this.#tickets.count) * SLOTS_PER_ID <= this.#slots.length) return
    const old = this.#slots
    this.#slots = new Int32Array(old.length * 2)
    this.#mask = this.#slots.length - 1
    for (const holder of old) {
      if (holder === 0) continue
      let slot = this.#homeOf(holder)
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask
      this.#slots[slot] = holder
    }
  }
}

function slotsFor(ids: number): number {
  return 2 ** Math.ceil(Math.log2(ids * SLOTS_PER_ID))
}
