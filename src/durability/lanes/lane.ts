import type { OutgoingRecord } from '../../model/record.ts'
import type { KafkaRecord } from '../kafka/encode/message.ts'
import type { Call } from './call.ts'
import { NO_PLACE, type Place } from './place.ts'

/** What is known of an entry's line in the log. */
export type Stored = 'no' | 'writing' | 'yes'

/** A record on its way to Kafka, shared by its lanes. */
export class LaneEntry {
  record: OutgoingRecord
  /** As Kafka gets it; made when it is first sent. */
  value: KafkaRecord | undefined = undefined
  /** Of its line. */
  readonly bytes: number
  /** Monotonic milliseconds at which it was published; -Infinity when it was read from the log. */
  readonly enteredAt: number
  /** Rises with each entry. */
  readonly order: number
  /** Undefined once nobody waits for it any more: a call holds on to all memory of its request. */
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
  /** Of its line; NO_PLACE until that is written. */
  place: Place = NO_PLACE
  /** Whether its call waits for the log: then a failure to write is the call's failure. */
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

  /** It is confirmed on all its lanes, or written: its call need not wait for it. */
  noteSafe(): void {
    if (this.#safe) return
    this.#safe = true
    this.call?.noteSafe()
  }
}

/** The first records of a lane's queue that go, went or go again to Kafka together. */
export interface LaneBatch {
  /** At least one. */
  count: number
  /** `again`: it was sent and has to be sent as it is; `refused`: Kafka will not take it, and it is being put aside. */
  state: 'sent' | 'again' | 'refused'
  sentAt: number
}

const COMPACT_AT = 1_024

/** What the lanes of one board have in memory together. */
export interface Totals {
  bytes: number
}

/**
 * One topic-partition on its way to Kafka: what docs/decisions/lanes.md draws. The queue begins with the entries that
 * are in the log, then come those that are being written to it, then those that are in memory only.
 */
export class Lane {
  readonly topic: string
  /** UNKNOWN_PARTITION: all records of a topic whose partitions are not known. */
  readonly partition: number
  /** The lane alone, shared by its records that have no other lane. */
  readonly alone: readonly Lane[] = [this]
  /** Bytes of the lines in the queue. */
  bytes = 0
  batch: LaneBatch | undefined = undefined
  /** About so many bytes of its lines in the log are not confirmed. */
  logged = 0
  /** Kafka's number of the next record that is sent for the first time. */
  sequence = 0
  /** New entries are written to the log at once. */
  late = false
  /** What is behind the queue is in the log alone, from `loaded` on. */
  onDisk = false
  /** All lines of the lane before it were read; undefined while the first one that was not is still being written. */
  loaded: Place | undefined = undefined
  /** On disk only as soon as they are written. Empty unless onDisk. */
  tail: LaneEntry[] = []
  /** Whether it has a leader that can be sent to. */
  sendable = false
  /** Monotonic milliseconds of the last sign that it moves. */
  movedAt = -Infinity

  #queue: LaneEntry[] = []
  #head = 0
  /** Index of the first entry that nobody has begun to write. */
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
   * The entries up to `last`, or all, that nobody has begun to write; from now on they count as being written. None where
   * the lane has confirmed `last` already.
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

  /** The first entries go to Kafka now: the batch that has to go again, or so many new ones. */
  take(now: number, count: number): readonly LaneEntry[] {
    this.batch ??= { count, state: 'sent', sentAt: now }
    this.batch.state = 'sent'
    this.batch.sentAt = now
    return this.#queue.slice(this.#head, this.#head + this.batch.count)
  }

  /** Kafka refuses something in the batch: half of it goes first next time. Returns whether a single record is left. */
  halve(): boolean {
    const { batch } = this
    if (batch === undefined) return false
    const isSingle = batch.count === 1
    batch.count = Math.ceil(batch.count / 2)
    batch.state = isSingle ? 'refused' : 'again'
    return isSingle
  }

  /** Everything of the lane in the log was read: what is still being written is put behind it. */
  leaveDisk(): void {
    this.onDisk = false
    this.loaded = undefined
    const { tail } = this
    this.tail = []
    for (const entry of tail) this.push(entry)
    // Nothing of it was in the log, so nothing says that it is slow.
    if (this.length === 0 && this.sendable) this.late = false
  }

  /** Takes out what `isOut` says, but for the batch under way. */
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

  /** All of the lane's lines before it are confirmed; NO_PLACE where no line is left that is not. */
  position(): Place {
    const first = this.at(0)
    if (first?.stored === 'yes') return first.place
    return this.onDisk ? (this.loaded ?? NO_PLACE) : NO_PLACE
  }
}
