import type { Fault } from '../../model/reasons.ts'
import type { RequestReport } from '../../model/report.ts'
import type { Placement, ReadPlaces } from '../../model/sink.ts'
import type { Effect } from '../../model/governance/rules.ts'
import type { UnpackedEvent, UnpackedRequest } from './packed.ts'
import { PackedRequests } from './packed.ts'

/** An event as it was kept: its place in the count of all events, and the request that it came with. */
export interface StoredEvent {
  /** Rises by one from event to event, from 1 at the server's start. */
  readonly seq: number
  readonly request: UnpackedRequest & {
    readonly source: string
    /** How many events it had. */
    readonly events: number
  }
  readonly event: UnpackedEvent & {
    /** Why it was rejected. */
    readonly fault: Fault | undefined
    /** What rules did to it. */
    readonly effects: readonly Effect[]
    /** Where its record came to rest; nowhere if none was published. */
    readonly places: readonly Placement[]
  }
}

export interface RingLimits {
  readonly maxBytes: number
  readonly maxEvents: number
}

interface RingEntry {
  source: string
  /** Of the receipt. */
  read: ReadPlaces | undefined
  /** By index of the event; undefined where none was rejected. */
  faults: readonly (Fault | undefined)[] | undefined
  /** By index of the event; undefined where no rule did anything. */
  effects: readonly (readonly Effect[] | undefined)[] | undefined
  /** Of the request's first event. */
  firstSeq: number
  events: number
  /** Where it lies, and how many bytes it takes. */
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
 * The latest requests, bounded in bytes and in events; the oldest goes first. They are copied into one block of memory,
 * as bytes: a copy costs less than what the collector of garbage would have to do with objects that live so long.
 */
export class ReportRing {
  readonly #limits: RingLimits
  readonly #packed: PackedRequests
  /**
   * A ring as well, of #count entries from #head on. They are used again and again: new ones would live just long enough
   * to come to lie in V8's old space.
   */
  #slots: RingEntry[] = Array.from({ length: INITIAL_SLOTS }, emptyEntry)
  #head = 0
  #count = 0
  /** Where the next entry goes, if it fits before the end. */
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

  /** The seq of the oldest event that is kept; undefined when there is none. */
  get firstSeq(): number | undefined {
    return this.#at(0)?.firstSeq
  }

  /** Keeps a copy; a request that is larger than the ring is not kept. */
  add(report: RequestReport, firstSeq: number): void {
    const { source, receipt, events } = report
    const room = PackedRequests.room(report)
    if (room > this.#packed.capacity || events.length > this.#limits.maxEvents) return
    while (this.#events + events.length > this.#limits.maxEvents) this.#dropOldest()
    const offset = this.#makeRoom(room)
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
    // A fraction would be read from between two events: other memory.
    if (!Number.isSafeInteger(seq)) return undefined
    const entry = this.#at(this.#indexOf(seq))
    return entry === undefined || seq >= entry.firstSeq + entry.events ? undefined : this.#unpack(entry, seq)
  }

  /** Events with `seq` above the given one, oldest first. */
  *after(seq: number): Generator<StoredEvent> {
    for (let next = seq + 1; ; next++) {
      // What is walked through may go meanwhile, so each step looks anew.
      const at = Math.max(this.#indexOf(next), 0)
      const found = this.#at(at)
      const entry = found !== undefined && next < found.firstSeq + found.events ? found : this.#at(at + 1)
      if (entry === undefined) return
      next = Math.max(next, entry.firstSeq)
      yield this.#unpack(entry, next)
    }
  }

  /** Events with `seq` below the given one, newest first. */
  *before(seq: number): Generator<StoredEvent> {
    for (let next = seq - 1; ; next--) {
      const entry = this.#at(this.#indexOf(next))
      if (entry === undefined) return
      next = Math.min(next, entry.firstSeq + entry.events - 1)
      yield this.#unpack(entry, next)
    }
  }

  #unpack(entry: RingEntry, seq: number): StoredEvent {
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

  /** The offset of so many bytes that no entry lies in: behind the newest one, or at the start again. */
  #makeRoom(bytes: number): number {
    const fits = this.#next + bytes <= this.#packed.capacity
    if (!fits) while (this.#isBehind(this.#next)) this.#dropOldest()
    const offset = fits ? this.#next : 0
    while (this.#isWithin(offset, offset + bytes)) this.#dropOldest()
    return offset
  }

  /** Whether the oldest entry lies at or behind `offset`. */
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

  /** The last entry that begins at or before `seq`; -1 where there is none. */
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

  /** The slot behind the newest entry. */
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
