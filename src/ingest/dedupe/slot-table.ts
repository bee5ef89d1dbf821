import type { EntryRing } from './entry-ring.ts'
import type { Tickets } from './tickets.ts'

const FIRST_SLOTS = 16
const MAX_LOAD = 0.8
const GROWTH = 1.5

/** The lowest bits of a slot: the distance from home. */
const DISTANCE_BITS = 4
/** The next bits: the tag, if 24 bits are enough for the holder. Otherwise there is no tag, and the holder has 28 bits. */
const TAG_BITS = 4
const MAX_TAGGED_PLACES = 2 ** (32 - DISTANCE_BITS - TAG_BITS - 1)
/** This distance or more; the exact distance is then computed from the hash. */
const FAR = (1 << DISTANCE_BITS) - 1

/**
 * A hash table from ids to their holders, with open addressing and linear probing. A holder above 0 is a place in the ring
 * + 1, a holder below 0 is minus a ticket, and 0 is none. A slot contains the holder, the distance from home (the slot
 * where the search for the id begins), and the tag, a few bits of the hash. The tag avoids nearly all comparisons with
 * other ids of the same home.
 *
 * Slots are sorted by home (Robin Hood hashing). In a table that is 0.8 full, a search ends after about three slots instead
 * of thirteen, and compares only hashes with the same home. Ids are added and removed without reading the hashes of other
 * ids. Each such read would be a cache miss: with plain linear probing, an id costs more than twice as much.
 */
export class SlotTable {
  readonly #ring: EntryRing
  readonly #tickets: Tickets
  readonly #holderShift: number
  readonly #tagMask: number
  #slots = new Int32Array(FIRST_SLOTS)
  #taken = 0
  /** The slot where the last search ended, its distance from home, and the tag of the search; used by put(). */
  #end = 0
  #distance = 0
  #tag = 0
  /** The values that fetch() has read, combined. It is never used; without it the compiler could remove the reads. */
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

  /** Looks a hash up. Returns its holder, or 0 if it is not in the table; put() may then add it. */
  find(high: number, low: number): number {
    const slots = this.#slots
    // The tag is the low bits, because the high bits decide the home.
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

  /** Reads the slot where a search for the hash begins, so that the slot is in the CPU's cache. */
  fetch(low: number): void {
    this.fetched ^= this.#slots[homeOf(low, this.#slots.length)] as number
  }

  /** Adds the holder of the hash for which the last find() returned 0. */
  put(holder: number): void {
    this.#insert((holder << this.#holderShift) | this.#tag, this.#end, this.#distance)
    this.#taken++
    if (this.#taken > this.#slots.length * MAX_LOAD) this.#grow()
  }

  /** Replaces the holder of a hash. @param low the low half of the hash */
  replace(low: number, old: number, holder: number): void {
    const slot = this.#slotOf(low, old)
    this.#slots[slot] = (holder << this.#holderShift) | ((this.#slots[slot] as number) & (this.#tagMask | FAR))
  }

  /** Removes a holder, and moves the following slots back by one up to a slot that is at home. */
  remove(low: number, holder: number): void {
    const slots = this.#slots
    let hole = this.#slotOf(low, holder)
    for (;;) {
      const next = hole + 1 < slots.length ? hole + 1 : 0
      const pushed = slots[next] as number
      // The slot is free or at home.
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

  /** Inserts a word into a slot, and moves the words from there to the next free slot on by one. */
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
    // The first loop only reads hashes, so that the CPU waits for several of them at the same time.
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

  /** The distance of a slot's word from its home. */
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

/** The word with another distance from home. */
function withDistance(word: number, distance: number): number {
  return (word & ~FAR) | Math.min(distance, FAR)
}

/** The slot where the search for a hash begins. It is the low half scaled to the table's length, which may be any number. */
function homeOf(low: number, length: number): number {
  return Math.floor(((low >>> 0) * length) / 2 ** 32)
}
