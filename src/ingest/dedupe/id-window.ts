import type { Clock } from '../../model/clock.ts'
import { AgeMarks } from './age-marks.ts'
import { EntryRing } from './entry-ring.ts'
import { IdHash } from './hash.ts'
import { SlotTable } from './slot-table.ts'
import { Tickets } from './tickets.ts'

export interface IdWindowOptions {
  /** How many ids are remembered at most, up to 100,000,000; the oldest make room. */
  readonly maxIds: number
  /** How long an id is remembered, in milliseconds: by the monotonic clock, so that one that jumps forgets nothing. */
  readonly windowMs: number
  readonly clock: Clock
  /** Two 32-bit numbers that make the hashes differ from one installation to the next. */
  readonly seed: readonly [number, number]
  /** Told of each id that is remembered, by the halves of its hash: for keeping the window over a restart. */
  readonly onKeep?: (high: number, low: number, unixSeconds: number) => void
}

/** Tables that grow each by itself, so that no growth holds the server up for long: 1 ms or so, not 100. */
const TABLES = 128
const MIN_TICK_MS = 1000
/** So many ticks are told apart, however long the window is: an id may be remembered for a thousandth too long. */
const MAX_TICKS = 1024
/** 0.3 ms: what came in a burst grows old at once. The rest goes with the next requests. */
const MAX_FORGOTTEN_AT_ONCE = 4096

/** What take() says of an id that is remembered. */
const KNOWN = 0

/**
 * A first-in-first-out window over 64-bit hashes of messageIds: 8 bytes for an entry and 5 to 7.5 for its slot, 13 to
 * 16 bytes an id, no objects. Two of 2,000,000 ids collide with a chance of 1 in 10,000,000 (2e6^2 / 2^65); an event
 * lost that way is the price of not keeping the ids themselves, and is counted as a duplicate, not lost silently.
 *
 * An id that is on its way has its slot already, so that it is hashed and looked up once; its entry lies with the
 * tickets until it is kept, and makes no other one go before.
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

  /** Ids remembered, without those on their way. */
  get size(): number {
    return this.#ring.count
  }

  get bytes(): number {
    const slots = this.#tables.reduce((sum, table) => sum + table.bytes, 0)
    return this.#ring.bytes + this.#ages.bytes + slots + this.#tickets.words.byteLength
  }

  /** Forgets what is older than the window; of many such ids at once only the oldest, so call it often. */
  forgetOld(): void {
    const oldest = this.#tick(0) - this.#windowTicks
    for (let n = 0; n < MAX_FORGOTTEN_AT_ONCE && this.#ages.isOldestBefore(oldest); n++) this.#forgetOldest()
  }

  /**
   * Looks an id up, bytes [start, end). 0: it is remembered. Below 0: it is on its way under that ticket, with a minus. Above 0: it was
   * neither, and is on its way now under this ticket, which must end in keep() or drop().
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

  /** These ids are remembered from now on. */
  keep(tickets: readonly number[]): void {
    const { clock, onKeep } = this.#options
    const tick = this.#tick(0)
    const unixSeconds = Math.floor(clock.now() / 1000)
    // Slots lie anywhere: in a loop that does nothing else the CPU waits for several of them at once.
    this.#fetchOldest(this.#ring.count + tickets.length - this.#options.maxIds)
    for (const ticket of tickets) this.#tableOf(this.#tickets.highOf(ticket)).fetch(this.#tickets.lowOf(ticket))
    for (const ticket of tickets) {
      this.#makeRoom()
      const high = this.#tickets.highOf(ticket)
      const low = this.#tickets.lowOf(ticket)
      this.#tableOf(high).replace(low, -ticket, this.#append(high, low, tick))
      this.#tickets.giveBack(ticket)
      onKeep?.(high, low, unixSeconds)
    }
  }

  /** These ids are as if they had never been taken. */
  drop(tickets: readonly number[]): void {
    for (const ticket of tickets) {
      this.#tableOf(this.#tickets.highOf(ticket)).remove(this.#tickets.lowOf(ticket), -ticket)
      this.#tickets.giveBack(ticket)
    }
  }

  /** Puts back an id that was kept `ageSeconds` ago, by the halves of its hash; in the order they were kept. */
  restore(high: number, low: number, ageSeconds: number): void {
    const tick = this.#tick(Math.max(0, ageSeconds) * 1000)
    const table = this.#tableOf(high)
    if (tick < this.#tick(0) - this.#windowTicks || table.find(high, low) !== 0) return
    if (this.#makeRoom()) table.find(high, low)
    table.put(this.#append(high, low, tick))
  }

  /** The tick that was so long ago: below 0 where that was before the start. */
  #tick(agoMs: number): number {
    return Math.floor((this.#options.clock.monotonic() - this.#startMs - agoMs) / this.#tickMs)
  }

  #tableOf(high: number): SlotTable {
    return this.#tables[high & (TABLES - 1)] as SlotTable
  }

  /** Adds an entry behind the newest; what its slot is to hold. */
  #append(high: number, low: number, tick: number): number {
    this.#ages.add(tick)
    return this.#ring.append(high, low) + 1
  }

  /** Whether an id had to go for that. */
  #makeRoom(): boolean {
    if (!this.#ring.isFull) return false
    this.#forgetOldest()
    return true
  }

  /** Reads the slots of so many ids that will have to go, those that are there now. */
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
