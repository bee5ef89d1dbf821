import type { Fault } from '../model/reasons.ts'
import type { RequestReport } from '../model/report.ts'
import type { Receipt } from '../model/sink.ts'
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
    /** Where the records came to rest; undefined where none was published. */
    readonly receipt: Receipt | undefined
  }
  readonly event: UnpackedEvent & {
    /** Why it was rejected. */
    readonly fault: Fault | undefined
  }
}

export interface RingLimits {
  readonly maxBytes: number
  readonly maxEvents: number
}

interface Entry {
  readonly source: string
  readonly receipt: Receipt | undefined
  /** By index of the event; undefined where none was rejected. */
  readonly faults: readonly (Fault | undefined)[] | undefined
  /** Of the request's first event. */
  readonly firstSeq: number
  readonly events: number
  /** Where it lies, and how many bytes it takes. */
  readonly offset: number
  readonly bytes: number
}

/** The array of entries is shortened once so many at its head are gone, and those are more than half of it. */
const COMPACT_ENTRIES = 1_024

/**
 * The latest requests, bounded in bytes and in events; the oldest goes first. They are copied into one block of memory,
 * as bytes: a copy costs less than what the collector of garbage would have to do with objects that live so long.
 */
export class ReportRing {
  readonly #limits: RingLimits
  readonly #packed: PackedRequests
  #entries: (Entry | undefined)[] = []
  #head = 0
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
    return this.#entries[this.#head]?.firstSeq
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
    this.#entries.push({ source, receipt, faults, firstSeq, events: events.length, offset, bytes })
    this.#next = offset + bytes
    this.#bytes += bytes
    this.#events += events.length
  }

  clear(): void {
    this.#entries = []
    this.#head = 0
    this.#next = 0
    this.#bytes = 0
    this.#events = 0
  }

  get(seq: number): StoredEvent | undefined {
    const entry = this.#entries[this.#indexOf(seq)]
    return entry === undefined || seq >= entry.firstSeq + entry.events ? undefined : this.#unpack(entry, seq)
  }

  /** Events with `seq` above the given one, oldest first. */
  *after(seq: number): Generator<StoredEvent> {
    for (let next = seq + 1; ; next++) {
      // What is walked through may go meanwhile, so each step looks anew.
      const at = Math.max(this.#indexOf(next), this.#head)
      const found = this.#entries[at]
      const entry = found !== undefined && next < found.firstSeq + found.events ? found : this.#entries[at + 1]
      if (entry === undefined) return
      next = Math.max(next, entry.firstSeq)
      yield this.#unpack(entry, next)
    }
  }

  /** Events with `seq` below the given one, newest first. */
  *before(seq: number): Generator<StoredEvent> {
    for (let next = seq - 1; ; next--) {
      const entry = this.#entries[this.#indexOf(next)]
      if (entry === undefined) return
      next = Math.min(next, entry.firstSeq + entry.events - 1)
      yield this.#unpack(entry, next)
    }
  }

  #unpack(entry: Entry, seq: number): StoredEvent {
    const { source, receipt, faults, events, firstSeq, offset } = entry
    const index = seq - firstSeq
    return {
      seq,
      request: { ...this.#packed.requestAt(offset), source, events, receipt },
      event: { ...this.#packed.eventAt(offset, index), fault: faults?.[index] }
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
    const oldest = this.#entries[this.#head]
    return oldest !== undefined && oldest.offset >= offset
  }

  #isWithin(start: number, end: number): boolean {
    const oldest = this.#entries[this.#head]
    return oldest !== undefined && oldest.offset < end && oldest.offset + oldest.bytes > start
  }

  /** The last entry that begins at or before `seq`; one before the head when there is none. */
  #indexOf(seq: number): number {
    let low = this.#head
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle]?.firstSeq ?? Infinity) <= seq) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#head]
    this.#entries[this.#head++] = undefined
    this.#bytes -= oldest?.bytes ?? 0
    this.#events -= oldest?.events ?? 0
    if (this.#head < COMPACT_ENTRIES || this.#head * 2 < this.#entries.length) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }
}
