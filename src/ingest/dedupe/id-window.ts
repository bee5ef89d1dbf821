import type { Clock } from '../../model/clock.ts'
import { AgeMarks } from './age-marks.ts'
import { EntryRing } from './entry-ring.ts'
import { IdHash } from './hash.ts'
import { SlotTable } from './slot-table.ts'
import { Tickets } from './tickets.ts'

export interface IdWindowOptions {
  /** The most ids, up to 100,000,000. If the window is full, the oldest id is evicted. */
  readonly maxIds: number
  /** How long an id is remembered, in milliseconds of the monotonic clock, so that a jump of the system clock forgets no id. */
  readonly windowMs: number
  readonly clock: Clock
  /** Two 32-bit numbers that make the hashes differ from one installation to the next. */
  readonly seed: readonly [number, number]
  /** Called with the halves of the hash of each remembered id, to keep the window over a restart. */
  readonly onKeep?: (high: number, low: number, unixSeconds: number) => void
}

/** The number of tables. Each grows by itself, so that growth blocks the event loop for about 1 ms instead of 100. */
const TABLES = 128
const MIN_TICK_MS = 1000
/** The ticks of a window of any length. An id may be remembered a thousandth of the window too long. */
const MAX_TICKS = 1024
/** Takes 0.3 ms. The ids of a burst expire together; further ids are forgotten with the next requests. */
const MAX_FORGOTTEN_AT_ONCE = 4096

/** The result of take() for a remembered id. */
const KNOWN = 0

/**
 * A first-in-first-out window of 64-bit hashes of messageIds. An id takes 13 to 16 bytes and no objects: 8 bytes for its
 * entry and 5 to 7.5 for its slot. Two of 2,000,000 ids collide with a probability of 1 in 10,000,000 (2e6^2 / 2^65). An
 * event that is lost by a collision is counted as a duplicate.
 *
 * An id in flight has a slot already, so that it is hashed and looked up once. Its hash is stored with its ticket and
 * evicts no other id before keep().
 */
export class HashIdWindow {
  readonly #options: IdWindowOptions
  readonly #hash: IdHash
  readonly #startMs: number
  readonly #tickMs: number
  readonly #windowTicks: number
  readonly #tickets = new Tickets()
  readonly #ring: EntryRing
  readonly #ages: AgeMarks
  readonly #tables: readonly SlotTable[]

  constructor(options: IdWindowOptions) {
    const { maxIds, windowMs, clock, seed } = options
    this.#options = options
    this.#hash = new IdHash(seed)
    this.#startMs = clock.monotonic()
    this.#tickMs = Math.max(MIN_TICK_MS, windowMs / MAX_TICKS)
    this.#windowTicks = Math.ceil(windowMs / this.#tickMs)
    this.#ages = new AgeMarks(this.#windowTicks + 1)
    const ring = new EntryRing(maxIds)
    this.#ring = ring
    this.#tables = Array.from({ length: TABLES }, () => new SlotTable(ring, this.#tickets))
  }

  /** The number of remembered ids, without the ids in flight. */
  get size(): number {
    return this.#ring.count
  }

  get bytes(): number {
    const slots = this.#tables.reduce((sum, table) => sum + table.bytes, 0)
    return this.#ring.bytes + this.#ages.bytes + slots + this.#tickets.words.byteLength
  }

  /** Forgets ids that are older than the window, the oldest first, up to MAX_FORGOTTEN_AT_ONCE for each call. */
  forgetOld(): void {
    const oldest = this.#tick(0) - this.#windowTicks
    for (let n = 0; n < MAX_FORGOTTEN_AT_ONCE && this.#ages.isOldestBefore(oldest); n++) this.#forgetOldest()
  }

  /**
   * Looks up the id in bytes [start, end). Returns 0 if the id is remembered, and minus its ticket if the id is in flight.
   * Otherwise the id is in flight from now on, and its new ticket is returned; the caller must pass it to keep() or drop().
   */
  take(bytes: Uint8Array, start: number, end: number): number {
    this.#hash.of(bytes, start, end)
    const { high, low } = this.#hash
    const table = this.#tableOf(high)
    const holder = table.find(high, low)
    if (holder !== 0) return holder > 0 ? KNOWN : holder
    const ticket = this.#tickets.take(high, low)
    table.put(-ticket)
    return ticket
  }

  /** Remembers the ids of these tickets. */
  keep(tickets: readonly number[]): void {
    const { clock, onKeep } = this.#options
    const tick = this.#tick(0)
    const unixSeconds = Math.floor(clock.now() / 1000)
    // Each slot is a cache miss. In a loop that only reads slots, the CPU waits for several of them at the same time.
    this.#fetchOldest(this.#ring.count + tickets.length - this.#options.maxIds)
    for (const ticket of tickets) this.#tableOf(this.#tickets.highOf(ticket)).fetch(this.#tickets.lowOf(ticket))
    for (const ticket of tickets) {
      this.#makeRoom()
      const high = this.#tickets.highOf(ticket)
      const low = this.#tickets.lowOf(ticket)
      this.#tableOf(high).replace(low, -ticket, this.#append(high, low, tick))
      this.#tickets.release(ticket)
      onKeep?.(high, low, unixSeconds)
    }
  }

  /** Forgets the ids of these tickets, as if they had never been taken. */
  drop(tickets: readonly number[]): void {
    for (const ticket of tickets) {
      this.#tableOf(this.#tickets.highOf(ticket)).remove(this.#tickets.lowOf(ticket), -ticket)
      this.#tickets.release(ticket)
    }
  }

  /** Restores an id that was kept `ageSeconds` ago, by the halves of its hash. Call this in the order in which ids were kept. */
  restore(high: number, low: number, ageSeconds: number): void {
    const tick = this.#tick(Math.max(0, ageSeconds) * 1000)
    const table = this.#tableOf(high)
    if (tick < this.#tick(0) - this.#windowTicks || table.find(high, low) !== 0) return
    if (this.#makeRoom()) table.find(high, low)
    table.put(this.#append(high, low, tick))
  }

  /** The tick `agoMs` ago; negative if that was before the start. */
  #tick(agoMs: number): number {
    return Math.floor((this.#options.clock.monotonic() - this.#startMs - agoMs) / this.#tickMs)
  }

  #tableOf(high: number): SlotTable {
    return this.#tables[high & (TABLES - 1)] as SlotTable
  }

  /** Adds the newest entry, and returns the holder for its slot. */
  #append(high: number, low: number, tick: number): number {
    this.#ages.add(tick)
    return this.#ring.append(high, low) + 1
  }

  /** Returns true if an id was evicted. */
  #makeRoom(): boolean {
    if (!this.#ring.isFull) return false
    this.#forgetOldest()
    return true
  }

  /** Reads the slots of the oldest `count` ids, which will be evicted. */
  #fetchOldest(count: number): void {
    const there = Math.min(count, this.#ring.count)
    for (let n = 0; n < there; n++) {
      const place = this.#ring.placeOf(n)
      this.#tableOf(this.#ring.highOf(place)).fetch(this.#ring.lowOf(place))
    }
  }

  #forgetOldest(): void {
    const place = this.#ring.oldest
    this.#tableOf(this.#ring.highOf(place)).remove(this.#ring.lowOf(place), place + 1)
    this.#ring.removeOldest()
    this.#ages.removeOldest()
  }
}
