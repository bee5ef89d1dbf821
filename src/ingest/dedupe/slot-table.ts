import type { EntryRing } from './entry-ring.ts'
import type { Tickets } from './tickets.ts'

const FIRST_SLOTS = 16
const MAX_LOAD = 0.8
const GROWTH = 1.5

/** Low bits of a slot for the distance from home... */
const DISTANCE_BITS = 4
/** ...then those for its tag, where the rest of 24 bits holds any place and, below 0, as many tickets; else the rest is 28. */
const TAG_BITS = 4
const MAX_TAGGED_PLACES = 2 ** (32 - DISTANCE_BITS - TAG_BITS - 1)
/** This far or farther: how far, only the hash can tell. */
const FAR = (1 << DISTANCE_BITS) - 1

/**
 * A hash table of where ids are, with open addressing and linear probing. A slot has the holder of its id and how far it
 * is from home, the slot where the search for the id begins. A holder above 0 is a place in the ring + 1, one below 0 is
 * minus a ticket, 0 is none. A few bits of the hash, the tag, stand there too: of ids with the same home hardly one has to be
 * looked at for nothing.
 *
 * Neighbours are in the order of their homes (Robin Hood hashing). A search then ends where its id would be, after three
 * slots or so in a table that is 0.8 full, not thirteen, and looks only at hashes that have the same home. Ids come and go
 * without a look at any other's hash. Each look would be a miss of the CPU's cache: with plain linear probing an id costs
 * more than twice as much.
 */
export class SlotTable {
  readonly #ring: EntryRing
  readonly #tickets: Tickets
  readonly #holderShift: number
  readonly #tagMask: number
  #slots = new Int32Array(FIRST_SLOTS)
  #taken = 0
  /** Where the last search ended, how far that is from its home, and the tag that it was for. */
  #end = 0
  #distance = 0
  #tag = 0
  /** What fetch() has read, folded into one. It means nothing, but a read that goes nowhere may be left out. */
  fetched = 0

  constructor(ring: EntryRing, tickets: Tickets) {
    this.#ring = ring
    this.#tickets = tickets
    const tagBits = ring.capacity < MAX_TAGGED_PLACES ? TAG_BITS : 0
    this.#holderShift = DISTANCE_BITS + tagBits
    this.#tagMask = ((1 << tagBits) - 1) << DISTANCE_BITS
  }

  get bytes(): number {
    return this.#slots.byteLength
  }

  /** Looks a hash up. Returns its holder, or 0; put() may follow then. */
  find(high: number, low: number): number {
    const slots = this.#slots
    // Home is told by the high bits.
    const tag = (low << DISTANCE_BITS) & this.#tagMask
    let slot = homeOf(low, slots.length)
    let distance = 0
    for (; ; distance++) {
      const held = slots[slot] as number
      if (held === 0) break
      const itsDistance = this.#distanceOf(held, slot)
      if (itsDistance < distance) break
      if (itsDistance === distance && (held & this.#tagMask) === tag) {
        const holder = held >> this.#holderShift
        if (this.#lowOf(holder) === low && this.#highOf(holder) === high) return holder
      }
      slot = slot + 1 < slots.length ? slot + 1 : 0
    }
    this.#end = slot
    this.#distance = distance
    this.#tag = tag
    return 0
  }

  /** Reads the slot where a search for the hash will begin, so that it lies in the CPU's cache then. */
  fetch(low: number): void {
    this.fetched ^= this.#slots[homeOf(low, this.#slots.length)] as number
  }

  /** Puts the holder of the hash that find() has just not found. */
  put(holder: number): void {
    this.#insert((holder << this.#holderShift) | this.#tag, this.#end, this.#distance)
    this.#taken++
    if (this.#taken > this.#slots.length * MAX_LOAD) this.#grow()
  }

  /** Another holder for a hash, of which the low half is given. */
  replace(low: number, old: number, holder: number): void {
    const slot = this.#slotOf(low, old)
    this.#slots[slot] = (holder << this.#holderShift) | ((this.#slots[slot] as number) & (this.#tagMask | FAR))
  }

  /** Takes a holder out, and moves up by one what had been pushed past its home. */
  remove(low: number, holder: number): void {
    const slots = this.#slots
    let hole = this.#slotOf(low, holder)
    for (;;) {
      const next = hole + 1 < slots.length ? hole + 1 : 0
      const pushed = slots[next] as number
      // Free, or at home.
      if ((pushed & FAR) === 0) break
      slots[hole] = withDistance(pushed, this.#distanceOf(pushed, next) - 1)
      hole = next
    }
    slots[hole] = 0
    this.#taken--
  }

  /** The slot of a holder that is in the table. */
  #slotOf(low: number, holder: number): number {
    const slots = this.#slots
    let slot = homeOf(low, slots.length)
    while ((slots[slot] as number) >> this.#holderShift !== holder) slot = slot + 1 < slots.length ? slot + 1 : 0
    return slot
  }

  /** Puts a word into a slot; what is there from it on to the next free slot is pushed on by one. */
  #insert(what: number, slot: number, distance: number): void {
    const slots = this.#slots
    let word = withDistance(what, distance)
    while (word !== 0) {
      const pushed = slots[slot] as number
      slots[slot] = word
      word = pushed === 0 || (pushed & FAR) === FAR ? pushed : pushed + 1
      slot = slot + 1 < slots.length ? slot + 1 : 0
    }
  }

  #grow(): void {
    const old = this.#slots
    const length = Math.ceil(old.length * GROWTH)
    this.#slots = new Int32Array(length)
    // The hashes first, in a loop that does nothing else: the CPU then waits for several of them at once.
    const homes = new Int32Array(old.length)
    for (let i = 0; i < old.length; i++) {
      const held = old[i] as number
      if (held !== 0) homes[i] = homeOf(this.#lowOf(held >> this.#holderShift), length)
    }
    for (let i = 0; i < old.length; i++) {
      const held = old[i] as number
      if (held !== 0) this.#putBack(held, homes[i] as number)
    }
  }

  #putBack(word: number, home: number): void {
    const slots = this.#slots
    let slot = home
    let distance = 0
    while (slots[slot] !== 0 && this.#distanceOf(slots[slot] as number, slot) >= distance) {
      slot = slot + 1 < slots.length ? slot + 1 : 0
      distance++
    }
    this.#insert(word, slot, distance)
  }

  /** How far what a slot holds is from its home. */
  #distanceOf(held: number, slot: number): number {
    const distance = held & FAR
    if (distance < FAR) return distance
    const { length } = this.#slots
    return (slot - homeOf(this.#lowOf(held >> this.#holderShift), length) + length) % length
  }

  #highOf(holder: number): number {
    return holder > 0 ? this.#ring.highOf(holder - 1) : this.#tickets.highOf(-holder)
  }

  #lowOf(holder: number): number {
    return holder > 0 ? this.#ring.lowOf(holder - 1) : this.#tickets.lowOf(-holder)
  }
}

/** What a slot holds, that far from home. */
function withDistance(word: number, distance: number): number {
  return (word & ~FAR) | Math.min(distance, FAR)
}

/** Where the search for a hash begins: the low half's share of 2^32, so that a table may have any length. */
function homeOf(low: number, length: number): number {
  return Math.floor(((low >>> 0) * length) / 2 ** 32)
}
