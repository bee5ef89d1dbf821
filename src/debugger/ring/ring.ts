import type { Fault } from '../../model/reasons.ts'
import type { RequestReport } from '../../model/report.ts'
import type { Placement, ReadPlaces } from '../../model/sink.ts'
import type { Effect } from '../../model/governance/rules.ts'
import type { UnpackedEvent, UnpackedRequest } from './packed.ts'
import { PackedRequests } from './packed.ts'

/** A stored event: its number and its request. */
export interface StoredEvent {
  /** The number of the event, counted from 1 at the server's start. */
  readonly seq: number
  readonly request: UnpackedRequest & {
    readonly source: string
    /** The number of events of the request. */
    readonly events: number
  }
  readonly event: UnpackedEvent & {
    /** Why it was rejected. */
    readonly fault: Fault | undefined
    /** What rules did to the event. */
    readonly effects: readonly Effect[]
    /** Where its record is stored; empty if none was published. */
    readonly places: readonly Placement[]
  }
}

export interface RingLimits {
  readonly maxBytes: number
  readonly maxEvents: number
}

interface RingEntry {
  source: string
  /** The reader of the receipt's places. */
  read: ReadPlaces | undefined
  /** By index of the event; undefined if no event was rejected. */
  faults: readonly (Fault | undefined)[] | undefined
  /** By index of the event; undefined if no rule did anything. */
  effects: readonly (readonly Effect[] | undefined)[] | undefined
  /** The seq of the request's first event. */
  firstSeq: number
  events: number
  /** Its offset in the block, and its size in bytes. */
  offset: number
  bytes: number
}

/** A power of two. */
const INITIAL_SLOTS = 1_024

function emptyEntry(): RingEntry {
  return {
    source: '',
    read: undefined,
    faults: undefined,
    effects: undefined,
    firstSeq: 0,
    events: 0,
    offset: 0,
    bytes: 0
  }
}

/**
 * The latest requests, bounded in bytes and in events; the oldest is evicted first. They are copied as bytes into one block
 * of memory, because a copy costs less than the garbage collection of objects that live so long.
 */
export class ReportRing {
  readonly #limits: RingLimits
  readonly #packed: PackedRequests
  /**
   * A ring of #count entries from #head on. The entry objects are reused: new ones would live just long enough to be moved to
   * V8's old space.
   */
  #slots: RingEntry[] = Array.from({ length: INITIAL_SLOTS }, emptyEntry)
  #head = 0
  #count = 0
  /** The offset of the next entry, if it fits before the end. */
  #next = 0
  #bytes = 0
  #events = 0

  constructor(limits: RingLimits) {
    this.#limits = limits
    this.#packed = new PackedRequests(limits.maxBytes)
  }

  get bytes(): number {
    return this.#bytes
  }

  get events(): number {
    return this.#events
  }

  /** The seq of the oldest event; undefined if there is none. */
  get firstSeq(): number | undefined {
    return this.#at(0)?.firstSeq
  }

  /** Stores a copy of a request. A request that is larger than the ring is not stored. */
  add(report: RequestReport, firstSeq: number): void {
    const { source, receipt, events } = report
    const maxBytes = PackedRequests.maxBytesOf(report)
    if (maxBytes > this.#packed.capacity || events.length > this.#limits.maxEvents) return
    while (this.#events + events.length > this.#limits.maxEvents) this.#dropOldest()
    const offset = this.#evictFor(maxBytes)
    const bytes = this.#packed.pack(report, offset)
    const faults = events.some(({ fault }) => fault !== undefined) ? events.map(({ fault }) => fault) : undefined
    const effects = events.some(event => event.effects !== undefined) ? events.map(event => event.effects) : undefined
    const read = receipt?.read
    Object.assign(this.#takeSlot(), { source, read, faults, effects, firstSeq, events: events.length, offset, bytes })
    this.#next = offset + bytes
    this.#bytes += bytes
    this.#events += events.length
  }

  clear(): void {
    while (this.#count > 0) this.#dropOldest()
    this.#next = 0
  }

  get(seq: number): StoredEvent | undefined {
    if (!Number.isSafeInteger(seq)) return undefined
    const entry = this.#at(this.#indexOf(seq))
    return entry === undefined || seq >= entry.firstSeq + entry.events ? undefined : this.#unpack(entry, seq)
  }

  /** Events with `seq` above the given number, oldest first. */
  *after(seq: number): Generator<StoredEvent> {
    for (let next = Math.floor(seq) + 1; ; next++) {
      // Entries may be evicted during the iteration, so each step searches again.
      const at = Math.max(this.#indexOf(next), 0)
      const found = this.#at(at)
      const entry = found !== undefined && next < found.firstSeq + found.events ? found : this.#at(at + 1)
      if (entry === undefined) return
      next = Math.max(next, entry.firstSeq)
      yield this.#unpack(entry, next)
    }
  }

  /** Events with `seq` below the given number, newest first. */
  *before(seq: number): Generator<StoredEvent> {
    for (let next = Math.ceil(seq) - 1; ; next--) {
      const entry = this.#at(this.#indexOf(next))
      if (entry === undefined) return
      next = Math.min(next, entry.firstSeq + entry.events - 1)
      yield this.#unpack(entry, next)
    }
  }

  /** Throws RangeError for a fraction: it would read memory between two events. */
  #unpack(entry: RingEntry, seq: number): StoredEvent {
    if (!Number.isSafeInteger(seq)) throw new RangeError(`there is no event ${seq}`)
    const { source, read, faults, effects = [], events, firstSeq, offset } = entry
    const index = seq - firstSeq
    const request = this.#packed.requestAt(offset)
    const event = this.#packed.eventAt(offset, index)
    const places = read === undefined || event.place < 0 ? [] : read(this.#packed.marksAt(offset), event.place)
    return {
      seq,
      request: { ...request, source, events },
      event: { ...event, fault: faults?.[index], effects: effects[index] ?? [], places }
    }
  }

  /** Evicts entries until `bytes` are free after the newest entry or at the start, and returns their offset. */
  #evictFor(bytes: number): number {
    const fits = this.#next + bytes <= this.#packed.capacity
    if (!fits) while (this.#isBehind(this.#next)) this.#dropOldest()
    const offset = fits ? this.#next : 0
    while (this.#isWithin(offset, offset + bytes)) this.#dropOldest()
    return offset
  }

  /** Whether the oldest entry is at or after `offset`. */
  #isBehind(offset: number): boolean {
    const oldest = this.#at(0)
    return oldest !== undefined && oldest.offset >= offset
  }

  #isWithin(start: number, end: number): boolean {
    const oldest = this.#at(0)
    return oldest !== undefined && oldest.offset < end && oldest.offset + oldest.bytes > start
  }

  /** RingEntry `index`, counted from the oldest. */
  #at(index: number): RingEntry | undefined {
    return index >= 0 && index < this.#count ? this.#slots[(this.#head + index) & (this.#slots.length - 1)] : undefined
  }

  /** The index of the last entry that begins at or before `seq`; -1 if there is none. */
  #indexOf(seq: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#at(middle)?.firstSeq ?? Infinity) <= seq) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** The slot after the newest entry. */
  #takeSlot(): RingEntry {
    const { length } = this.#slots
    if (this.#count === length) {
      this.#slots = [...this.#slots.slice(this.#head), ...this.#slots.slice(0, this.#head)]
      for (let i = 0; i < length; i++) this.#slots.push(emptyEntry())
      this.#head = 0
    }
    return this.#slots[(this.#head + this.#count++) & (this.#slots.length - 1)] as RingEntry
  }

  #dropOldest(): void {
    const oldest = this.#at(0)
    if (oldest === undefined) return
    this.#bytes -= oldest.bytes
    this.#events -= oldest.events
    oldest.read = undefined
    oldest.faults = undefined
    oldest.effects = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#count--
  }
}
