import type { EventReport, RequestReport } from '../model/report.ts'

/** An event as it is kept: its place in the count of all events, and the reports that it came with. */
export interface StoredEvent {
  /** Rises by one from event to event, from 1 at the server's start. */
  readonly seq: number
  readonly request: RequestReport
  readonly event: EventReport
}

export interface RingLimits {
  readonly maxBytes: number
  readonly maxEvents: number
}

interface Entry {
  readonly report: RequestReport
  /** Of the request's first event. */
  readonly firstSeq: number
  readonly bytes: number
}

/** What the report, its records and the receipt weigh themselves, for each event: measured, rounded up. */
const OVERHEAD_BYTES = 1_024

/** The array of entries is shortened once so many at its head are gone, and those are more than half of it. */
const COMPACT_ENTRIES = 1_024

/**
 * The latest requests, bounded in bytes and in events; the oldest goes first. Keeps what it is given by reference:
 * adding costs no copy and no parsing. Bytes are those of the whole memory that a buffer keeps alive.
 */
export class ReportRing {
  readonly #limits: RingLimits
  #entries: (Entry | undefined)[] = []
  #head = 0
  #bytes = 0
  #events = 0
  /** Small buffers share a slab of memory, which is counted for the first one that lies in it. */
  #slab: ArrayBufferLike | undefined

  constructor(limits: RingLimits) {
    this.#limits = limits
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

  add(report: RequestReport, firstSeq: number): void {
    const bytes = this.#weigh(report)
    this.#entries.push({ report, firstSeq, bytes })
    this.#bytes += bytes
    this.#events += report.events.length
    while (this.#bytes > this.#limits.maxBytes || this.#events > this.#limits.maxEvents) this.#dropOldest()
  }

  clear(): void {
    this.#entries = []
    this.#head = 0
    this.#bytes = 0
    this.#events = 0
    this.#slab = undefined
  }

  get(seq: number): StoredEvent | undefined {
    const entry = this.#entries[this.#indexOf(seq)]
    const event = entry?.report.events[seq - entry.firstSeq]
    return entry === undefined || event === undefined ? undefined : { seq, request: entry.report, event }
  }

  /** Events with `seq` above the given one, oldest first. */
  *after(seq: number): Generator<StoredEvent> {
    for (let at = Math.max(this.#indexOf(seq + 1), this.#head); at < this.#entries.length; at++) {
      const entry = this.#entries[at]
      if (entry === undefined) continue
      const { report, firstSeq } = entry
      for (let i = Math.max(0, seq + 1 - firstSeq); i < report.events.length; i++) {
        yield { seq: firstSeq + i, request: report, event: report.events[i] as EventReport }
      }
    }
  }

  /** Events with `seq` below the given one, newest first. */
  *before(seq: number): Generator<StoredEvent> {
    for (let at = this.#indexOf(seq - 1); at >= this.#head; at--) {
      const entry = this.#entries[at]
      if (entry === undefined) return
      const { report, firstSeq } = entry
      for (let i = Math.min(report.events.length, seq - firstSeq) - 1; i >= 0; i--) {
        yield { seq: firstSeq + i, request: report, event: report.events[i] as EventReport }
      }
    }
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
    this.#events -= oldest?.report.events.length ?? 0
    if (this.#head < COMPACT_ENTRIES || this.#head * 2 < this.#entries.length) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }

  #weigh(report: RequestReport): number {
    let bytes = this.#retained(report.body) + report.events.length * OVERHEAD_BYTES
    for (const { record } of report.events) {
      if (record === undefined) continue
      // The lines of a request lie in one piece of memory, so the first one stands for all.
      bytes += this.#retained(record.line)
      break
    }
    return bytes
  }

  #retained({ buffer }: Buffer): number {
    if (buffer === this.#slab) return 0
    if (buffer.byteLength === Buffer.poolSize) this.#slab = buffer
    return buffer.byteLength
  }
}
