import type { OutgoingRecord } from '../../model/record.ts'
import type { Call } from './call.ts'
import { NO_PLACE, type Place } from './place.ts'

/** Whether the line of an entry is in the log. */
export type Stored = 'no' | 'writing' | 'yes'

/** A record on its way to Kafka, shared by its lanes. */
export class LaneEntry {
  record: OutgoingRecord
  /** Length of the line. */
  readonly bytes: number
  /** Monotonic milliseconds at which it was published; -Infinity when it was read from the log. */
  readonly enteredAt: number
  /** Rises with each entry. */
  readonly order: number
  /** Undefined once no call waits: a reference to the call would keep all memory of its request in use. */
  call: Call | undefined
  /** Position in the records of the call. */
  readonly index: number
  lanes: readonly Lane[]
  /** Lanes that have not confirmed it. */
  pending: number
  /** Lanes that have it in their queue. */
  queued = 0
  stored: Stored = 'no'
  /** Rises in the order in which lines were handed in to be written. */
  ticket = 0
  /** Where the line lies; NO_PLACE until it is written. */
  place: Place = NO_PLACE
  /** Whether the call waits for the log. If so, a failed write fails the call. */
  mustStore = false
  #safe = false

  constructor(parts: {
    readonly record: OutgoingRecord
    readonly lanes: readonly Lane[]
    readonly order: number
    readonly enteredAt: number
    readonly call: Call | undefined
    readonly index: number
  }) {
    this.record = parts.record
    this.bytes = parts.record.lineEnd - parts.record.lineStart
    this.lanes = parts.lanes
    this.order = parts.order
    this.enteredAt = parts.enteredAt
    this.call = parts.call
    this.index = parts.index
    this.pending = parts.lanes.length
  }

  /** The entry is confirmed on all its lanes or written to the log: its call does not wait for it any more. */
  noteSafe(): void {
    if (this.#safe) return
    this.#safe = true
    this.call?.noteSafe()
  }
}

/** The first records of a lane's queue, which are sent to Kafka together, now or again. */
export interface LaneBatch {
  /** At least one. */
  count: number
  /** `again`: must be sent once more, unchanged. `refused`: is being moved to the refused records. */
  state: 'sent' | 'again' | 'refused'
  sentAt: number
}

const COMPACT_AT = 1_024

/** What all lanes of one board hold in memory. */
export interface Totals {
  bytes: number
}

/**
 * The records of one topic-partition that wait for Kafka (docs/decisions/lanes.md has a picture). The queue holds first
 * the entries that are in the log, then those that are being written to it, then those that are only in memory.
 */
export class Lane {
  readonly topic: string
  /** UNKNOWN_PARTITION: the lane has all records of a topic whose partitions are not known. */
  readonly partition: number
  /** A list of this lane alone, which all its records with no other lane share. */
  readonly alone: readonly Lane[] = [this]
  /** Bytes of the lines in the queue. */
  bytes = 0
  batch: LaneBatch | undefined = undefined
  /** About how many bytes of the lane's lines in the log are not confirmed. */
  logged = 0
  /** Kafka's sequence number of the next record that is sent for the first time. */
  sequence = 0
  /** New entries are written to the log at once. */
  late = false
  /** Entries behind the queue are only in the log, from `loaded` on. */
  onDisk = false
  /**
   * All lines of the lane before this place were read. Undefined while the first unread line is still being written.
   */
  loaded: Place | undefined = undefined
  /** Entries that leave memory when they are written. Empty unless onDisk. */
  tail: LaneEntry[] = []
  /** Whether the partition has a leader that can be reached. */
  sendable = false
  /** Monotonic milliseconds of the lane's last progress. */
  movedAt = -Infinity

  #queue: LaneEntry[] = []
  #head = 0
  /** Index of the first entry whose write has not begun. */
  #unstored = 0

  readonly #totals: Totals

  constructor(topic: string, partition: number, totals: Totals) {
    this.topic = topic
    this.partition = partition
    this.#totals = totals
  }

  get length(): number {
    return this.#queue.length - this.#head
  }

  at(index: number): LaneEntry | undefined {
    return this.#queue[this.#head + index]
  }

  /** The oldest entry, in the queue or behind it. */
  get oldest(): LaneEntry | undefined {
    return this.#queue[this.#head] ?? this.tail[0]
  }

  push(entry: LaneEntry): void {
    this.#queue.push(entry)
    entry.queued++
    this.#count(entry.bytes)
    if (entry.stored !== 'no') this.#unstored = this.#queue.length
  }

  /**
   * Returns the entries up to `last` (default: all) whose write has not begun, and marks them as being written. Returns
   * none if `last` is confirmed already.
   */
  takeUnstored(last?: LaneEntry): LaneEntry[] {
    const from = Math.max(this.#unstored, this.#head)
    let until = this.#queue.length
    if (last !== undefined && !this.tail.includes(last)) until = this.#queue.indexOf(last, from) + 1
    if (until <= from) return []
    this.#unstored = until
    return this.#queue.slice(from, until)
  }

  /** Some entries could not be written. */
  recountStored(): void {
    const first = this.#queue.findIndex((entry, index) => index >= this.#head && entry.stored === 'no')
    this.#unstored = first < 0 ? this.#queue.length : first
    this.tail = this.tail.filter(entry => entry.stored !== 'no')
  }

  /** Takes the first entry out. */
  shift(): LaneEntry {
    const entry = this.#queue[this.#head] as LaneEntry
    this.#queue[this.#head++] = undefined as unknown as LaneEntry
    entry.queued--
    this.#count(-entry.bytes)
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
      this.#unstored = 0
    } else if (this.#head >= COMPACT_AT && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#unstored = Math.max(0, this.#unstored - this.#head)
      this.#head = 0
    }
    return entry
  }

  /** The next request takes the batch that must be sent again, or else the first `count` entries. */
  take(now: number, count: number): void {
    this.batch = { count: this.batch?.count ?? count, state: 'sent', sentAt: now }
  }

  /** Kafka refuses a record of the batch: its first half is sent next. Returns whether that is one record. */
  halve(): boolean {
    const { batch } = this
    if (batch === undefined) return false
    const isSingle = batch.count === 1
    batch.count = Math.ceil(batch.count / 2)
    batch.state = isSingle ? 'refused' : 'again'
    return isSingle
  }

  /** All lines of the lane were read from the log: the entries that are still being written join the queue. */
  leaveDisk(): void {
    this.onDisk = false
    this.loaded = undefined
    const { tail } = this
    this.tail = []
    for (const entry of tail) this.push(entry)
    // The log held nothing of the lane, so there is no sign that the lane is slow.
    if (this.length === 0 && this.sendable) this.late = false
  }

  /** Removes the entries for which `isOut` is true, except those in flight. Returns them. */
  drop(isOut: (entry: LaneEntry) => boolean): LaneEntry[] {
    const kept = this.batch?.count ?? 0
    const all = this.takeAll()
    const out: LaneEntry[] = []
    all.forEach((entry, index) => {
      if (index >= kept && isOut(entry)) out.push(entry)
      else this.push(entry)
    })
    this.recountStored()
    return out
  }

  takeAll(): LaneEntry[] {
    const all = this.#queue.slice(this.#head)
    for (const entry of all) entry.queued--
    this.#queue = []
    this.#head = 0
    this.#unstored = 0
    this.#count(-this.bytes)
    return all
  }

  #count(bytes: number): void {
    this.bytes += bytes
    this.#totals.bytes += bytes
  }

  /** All lines of the lane before this place are confirmed. NO_PLACE: all its lines are. */
  position(): Place {
    const first = this.at(0)
    if (first?.stored === 'yes') return first.place
    return this.onDisk ? (this.loaded ?? NO_PLACE) : NO_PLACE
  }
}
