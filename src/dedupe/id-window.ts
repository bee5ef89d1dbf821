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
/** Tables that grow each by itself, so that no growth holds the server up for long: 1 ms or so, not 100. */
const TABLES = 64
const FIRST_SLOTS = 32
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
  readonly #tables: Int32Array[] = Array.from({ length: TABLES }, () => new Int32Array(FIRST_SLOTS))
  /** Slots taken, by table. */
  readonly #taken = new Int32Array(TABLES)

  constructor(options: IdWindowOptions) {
    this.#options = options
    this.#hash = new IdHash(options.seed)
    this.#startMs = options.clock.monotonic()
    this.#windowTicks = Math.ceil(options.windowMs / TICK_MS)
    this.#capacity = Math.min(INITIAL_IDS, options.maxIds)
    this.#entries = new Int32Array(this.#capacity * WORDS)
  }

  /** Ids remembered, without those on their way. */
  get size(): number {
    return this.#count
  }

  get bytes(): number {
    const slots = this.#tables.reduce((sum, table) => sum + table.byteLength, 0)
    return this.#entries.byteLength + slots + this.#tickets.words.byteLength
  }

  /** Forgets what is older than the window. */
  forgetOld(): void {
    const oldest = this.#now() - this.#windowTicks
    while (this.#count > 0 && (this.#entries[this.#first * WORDS + 2] as number) < oldest) this.#forgetOldest()
  }

  /**
   * Looks an id up, bytes [start, end). 0: it is remembered. Below 0: it is on its way under that ticket, with a minus. Above 0: it was
   * neither, and is on its way now under this ticket, which must end in keep() or drop().
   */
  take(bytes: Uint8Array, start: number, end: number): number {
    this.#hash.of(bytes, start, end)
    const { high, low } = this.#hash
    const table = this.#tableOf(high)
    const slot = this.#find(table, high, low)
    const holder = table[slot] as number
    if (holder !== 0) return holder > 0 ? KNOWN : holder
    const ticket = this.#tickets.take(high, low)
    table[slot] = -ticket
    this.#countTaken(high)
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
      const table = this.#tableOf(high)
      table[this.#slotOf(table, -ticket)] = this.#append(high, low, tick)
      this.#tickets.giveBack(ticket)
      onKeep?.(high, low, unixSeconds)
    }
  }

  /** These ids are as if they had never been taken. */
  drop(tickets: readonly number[]): void {
    for (const ticket of tickets) {
      this.#free(-ticket)
      this.#tickets.giveBack(ticket)
    }
  }

  /** Puts back an id that was kept `ageSeconds` ago, by the halves of its hash; in the order they were kept. */
  restore(high: number, low: number, ageSeconds: number): void {
    const now = this.#now()
    const tick = now - Math.max(0, Math.ceil(ageSeconds))
    const table = this.#tableOf(high)
    if (tick < now - this.#windowTicks || table[this.#find(table, high, low)] !== 0) return
    this.#makeRoom()
    table[this.#find(table, high, low)] = this.#append(high, low, tick)
    this.#countTaken(high)
  }

  #now(): number {
    // Starts at one window, so that what is put back lies before the start and still has a tick.
    return Math.floor((this.#options.clock.monotonic() - this.#startMs) / TICK_MS) + this.#windowTicks
  }

  #tableOf(high: number): Int32Array {
    return this.#tables[high & (TABLES - 1)] as Int32Array
  }

  /** The slot of a hash, or the free slot where it belongs. */
  #find(table: Int32Array, high: number, low: number): number {
    const mask = table.length - 1
    let slot = low & mask
    for (;;) {
      const holder = table[slot] as number
      if (holder === 0) return slot
      const words = this.#wordsOf(holder)
      const at = startOf(holder)
      if (words[at + 1] === low && words[at] === high) return slot
      slot = (slot + 1) & mask
    }
  }

  /** The slot that an entry or a ticket has. */
  #slotOf(table: Int32Array, holder: number): number {
    const mask = table.length - 1
    let slot = this.#homeOf(table, holder)
    while (table[slot] !== holder) slot = (slot + 1) & mask
    return slot
  }

  /** Where the search for an entry or a ticket begins. */
  #homeOf(table: Int32Array, holder: number): number {
    return (this.#wordsOf(holder)[startOf(holder) + 1] as number) & (table.length - 1)
  }

  #wordsOf(holder: number): Int32Array {
    return holder > 0 ? this.#entries : this.#tickets.words
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
    this.#free(this.#first + 1)
    this.#first = (this.#first + 1) % this.#capacity
    this.#count--
  }

  /** Takes a holder out and moves up what had been pushed past it, so that no search meets a false end. */
  #free(holder: number): void {
    const high = this.#wordsOf(holder)[startOf(holder)] as number
    const table = this.#tableOf(high)
    const mask = table.length - 1
    let hole = this.#slotOf(table, holder)
    for (let next = (hole + 1) & mask; table[next] !== 0; next = (next + 1) & mask) {
      const pushed = table[next] as number
      if (((next - this.#homeOf(table, pushed)) & mask) < ((next - hole) & mask)) continue
      table[hole] = pushed
      hole = next
    }
    table[hole] = 0
    const index = high & (TABLES - 1)
    this.#taken[index] = (this.#taken[index] as number) - 1
  }

  /** The ring is full: room is made before its oldest entry, and those from there to the end move up. */
  #growRing(): void {
    const capacity = Math.min(this.#capacity * 2, this.#options.maxIds)
    const added = capacity - this.#capacity
    for (let place = this.#first; this.#first > 0 && place < this.#capacity; place++) {
      const table = this.#tableOf(this.#entries[place * WORDS] as number)
      table[this.#slotOf(table, place + 1)] = place + added + 1
    }
    const grown = new Int32Array(capacity * WORDS)
    const cut = this.#first * WORDS
    grown.set(this.#entries.subarray(0, cut))
    grown.set(this.#entries.subarray(cut), this.#first === 0 ? 0 : cut + added * WORDS)
    if (this.#first > 0) this.#first += added
    this.#entries = grown
    this.#capacity = capacity
  }

  #countTaken(high: number): void {
    const index = high & (TABLES - 1)
    const old = this.#tableOf(high)
    const taken = (this.#taken[index] as number) + 1
    this.#taken[index] = taken
    if (taken * SLOTS_PER_ID > old.length) this.#tables[index] = this.#grown(old)
  }

  #grown(old: Int32Array): Int32Array {
    const table = new Int32Array(old.length * 2)
    const mask = table.length - 1
    for (const holder of old) {
      if (holder === 0) continue
      let slot = this.#homeOf(table, holder)
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = holder
    }
    return table
  }
}

/** Where the words of an entry or a ticket begin. */
function startOf(holder: number): number {
  return (Math.abs(holder) - 1) * WORDS
}
