import type { OutgoingRecord } from '../../model/record.ts'
import type { Call } from './call.ts'
import { LaneEntry, type Lane } from './lane.ts'
import { NO_PLACE, type Place } from './place.ts'
import { LaneTable } from './lane-table.ts'

export interface BoardOptions {
  /** The partition of a record; UNKNOWN_PARTITION where the topic's partitions are not known. */
  readonly partitionOf: (topic: string, record: OutgoingRecord) => number
  /** Begins to write the entries' lines, side by side and in this order; stored() or notStored() tells the end. */
  readonly store: (entries: readonly LaneEntry[]) => void
  /** Unconfirmed for so many milliseconds, an event is late. */
  readonly timeoutMs: number
  /** What all lanes may keep in memory, in bytes; beyond it new events are only on disk. */
  readonly memoryBytes: number
  /** What one late lane may keep in memory in any case. Default 64 KiB. */
  readonly minHeadBytes?: number
  /** A late lane whose last batch took longer stays late; Infinity: there is no log, and all stays in memory. */
  readonly quickMs: number
  /** Where the log ends at the start. Its lines are read before any lane counts as caught up. */
  readonly end: Place
  /** Where the first line is that some lane has not confirmed. */
  readonly floor: Place
}

const MIN_HEAD_BYTES = 64 * 1024
/** One late lane never keeps more than this in memory. */
const MAX_HEAD_BYTES = 256 * 1024

/**
 * All lanes and the entries in them: which entries are written to the log and when, what each lane sends next, and what
 * follows from each answer. Does nothing by itself: time, the log and Kafka are handed in, so that a model can play any
 * order of events.
 */
export class Board extends LaneTable {
  readonly #options: BoardOptions
  #order = 0
  #tickets = 0
  /** Where the durable part of the log ends. */
  end: Place
  /** All lines before it were read once; NO_PLACE when the log was read to its end. */
  scanned: Place

  constructor(options: BoardOptions) {
    super()
    this.#options = options
    this.end = options.end
    this.scanned = options.floor < options.end ? options.floor : NO_PLACE
  }

  /** The lane; made where it is missing: behind what the log may hold for it. */
  lane(topic: string, partition: number): Lane {
    return this.find(topic, partition) ?? this.create(topic, partition, this.scanned)
  }

  /** @param loaded where the first line may be that the lane has not had; NO_PLACE: nowhere */
  create(topic: string, partition: number, loaded: Place): Lane {
    const lane = this.add(topic, partition)
    if (loaded < this.end) Object.assign(lane, { onDisk: true, late: true, loaded })
    return lane
  }

  /** What one late lane may keep in memory. */
  headBytes(): number {
    const { memoryBytes, minHeadBytes = MIN_HEAD_BYTES } = this.#options
    let late = 0
    for (const lane of this.lanes) if (lane.late) late++
    return Math.min(MAX_HEAD_BYTES, Math.max(minHeadBytes, memoryBytes / Math.max(1, late)))
  }

  /** Takes the records of a call in. Those that have a late lane are written at once. */
  publish(call: Call, now: number): void {
    const urgent: LaneEntry[] = []
    const hasLog = this.#options.quickMs < Infinity
    const isFull = hasLog && this.bytes() > this.#options.memoryBytes
    for (let index = 0; index < call.records.length; index++) {
      const record = call.records[index] as OutgoingRecord
      const lanes = this.lanesFor(record)
      const entry = new LaneEntry({ record, lanes, order: this.#order++, enteredAt: now, call, index })
      if (lanes.length === 0) entry.noteSafe()
      for (const lane of lanes) {
        // Without a log nothing tells whether it is still slow, but the next event.
        if (lane.late && !hasLog && lane.length === 0 && lane.sendable) lane.late = false
        if (isFull || (lane.late && hasLog && lane.bytes > this.headBytes())) lane.onDisk = true
        if (lane.onDisk) lane.tail.push(entry)
        else lane.push(entry)
      }
      if (lanes.some(lane => lane.late || lane.onDisk)) urgent.push(entry)
    }
    if (urgent.length > 0) this.storeNow(urgent)
  }

  lanesFor(record: OutgoingRecord): readonly Lane[] {
    const [topic, second] = record.topics
    if (topic === undefined) return []
    const { partitionOf } = this.#options
    if (second === undefined) return this.lane(topic, partitionOf(topic, record)).alone
    return record.topics.map(name => this.lane(name, partitionOf(name, record)))
  }

  /** An entry as it was read from the log: its line is at `place`. */
  restored(record: OutgoingRecord, lanes: readonly Lane[], place: Place): LaneEntry {
    const none = { enteredAt: -Infinity, call: undefined, index: 0 }
    const entry = new LaneEntry({ record, lanes, order: this.#order++, ...none })
    entry.stored = 'yes'
    entry.place = place
    return entry
  }

  /**
   * Writes the entries, and before them all older unwritten entries of their lanes, and of the lanes of those: so the
   * order of the log is the order of each lane.
   */
  storeNow(urgent: readonly LaneEntry[]): void {
    const found: LaneEntry[] = []
    const open: LaneEntry[] = []
    const take = (entry: LaneEntry): void => {
      if (entry.stored !== 'no') return
      entry.stored = 'writing'
      found.push(entry)
      open.push(entry)
    }
    for (const entry of urgent) {
      entry.mustStore = true
      take(entry)
    }
    for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
      for (const lane of entry.lanes) for (const older of lane.takeUnstored(entry)) take(older)
    }
    if (found.length === 0) return
    found.sort((a, b) => a.order - b.order)
    for (const entry of found) {
      entry.ticket = this.#tickets++
      if (entry.call !== undefined) entry.call.writing++
    }
    this.#options.store(found)
  }

  /** The lines are durable; entry i is at `places[i]`. `end` is where the log ends now. */
  stored(entries: readonly LaneEntry[], places: readonly Place[], end: Place): void {
    this.end = end
    entries.forEach((entry, index) => {
      entry.stored = 'yes'
      entry.place = places[index] as Place
      for (const lane of entry.lanes) {
        if (entry.pending > 0) lane.logged += entry.bytes
        const at = lane.tail.indexOf(entry)
        if (at < 0) continue
        lane.tail.splice(at, 1)
        lane.loaded ??= entry.place
      }
      if (entry.call !== undefined) entry.call.writing--
      entry.noteSafe()
    })
  }

  /** The lines cannot be written now. Calls that needed it fail; what nobody waits for any more is let go. */
  notStored(entries: readonly LaneEntry[], error: Error): void {
    const failed = new Set<Call>()
    for (const entry of entries) {
      entry.stored = 'no'
      if (entry.call === undefined) continue
      entry.call.writing--
      if (entry.mustStore) failed.add(entry.call)
      entry.mustStore = false
    }
    for (const lane of new Set(entries.flatMap(({ lanes }) => lanes))) lane.recountStored()
    for (const call of failed) this.fail(call, error)
  }

  /** The call is told no, once. Its records that are neither written nor on their way are taken out. */
  fail(call: Call, error: Error): void {
    for (const lane of this.lanes) lane.drop(entry => entry.call === call && entry.stored === 'no')
    call.fail(error)
  }

  /** The lanes whose oldest event is late by now and was not before are late from now on; their events are written. */
  noteLate(now: number): Lane[] {
    const late = this.lanes.filter(
      lane => !lane.late && now - (lane.oldest?.enteredAt ?? now) >= this.#options.timeoutMs
    )
    this.setLate(late)
    return late
  }

  /** Nobody waits for these lanes from now on: their events are written at once. */
  setLate(lanes: readonly Lane[]): void {
    for (const lane of lanes) lane.late = true
    const urgent = lanes.flatMap(lane => lane.takeUnstored())
    if (urgent.length > 0) this.storeNow(urgent)
  }

  /** When the oldest event came of the lanes that are not late; undefined where none waits. */
  oldest(): number | undefined {
    let oldest = Infinity
    for (const lane of this.lanes) if (!lane.late) oldest = Math.min(oldest, lane.oldest?.enteredAt ?? Infinity)
    return oldest === Infinity ? undefined : oldest
  }

  /** Kafka has the lane's batch. `onEntry` is called for each of its entries, in their order, before its call is told. */
  confirm(lane: Lane, now: number, onEntry: (entry: LaneEntry) => void): void {
    const { batch } = lane
    if (batch === undefined) return
    lane.batch = undefined
    lane.movedAt = now
    lane.sequence += batch.count
    for (let left = batch.count; left > 0; left--) {
      const entry = lane.shift()
      onEntry(entry)
      this.#left(lane, entry)
    }
    this.#catchUp(lane, now, now - batch.sentAt)
  }

  /** The first entry of the lane, which was its batch alone, is put aside for good. */
  refused(lane: Lane, now: number): void {
    lane.batch = undefined
    lane.movedAt = now
    this.#left(lane, lane.shift())
    this.#catchUp(lane, now, 0)
  }

  #left(lane: Lane, entry: LaneEntry): void {
    if (entry.stored === 'yes') lane.logged = lane.position() === NO_PLACE ? 0 : Math.max(0, lane.logged - entry.bytes)
    if (--entry.pending === 0) entry.noteSafe()
  }

  #catchUp(lane: Lane, now: number, roundTripMs: number): void {
    if (!lane.late) return
    if (lane.onDisk && this.hasRead(lane)) lane.leaveDisk()
    const { timeoutMs, quickMs } = this.#options
    const isQuick = roundTripMs < quickMs && now - (lane.oldest?.enteredAt ?? now) < timeoutMs
    if (isQuick && !lane.onDisk && lane.sendable) lane.late = false
  }

  /** Whether all lines of the lane in the log were read. */
  hasRead(lane: Lane): boolean {
    return (lane.loaded ?? NO_PLACE) >= this.end
  }

  /** All lines before it are confirmed on every lane; the end of the log when all are. */
  floor(): Place {
    let floor = Math.min(this.scanned, this.end)
    for (const lane of this.lanes) floor = Math.min(floor, lane.position())
    return floor
  }
}
