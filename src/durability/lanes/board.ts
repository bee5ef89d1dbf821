import type { OutgoingRecord } from '../../model/record.ts'
import type { Call } from './call.ts'
import { LaneEntry, type Lane } from './lane.ts'
import { NO_PLACE, type Place } from './place.ts'
import { LaneTable } from './lane-table.ts'

export interface BoardOptions {
  /** The partition of a record; UNKNOWN_PARTITION where the topic's partitions are not known. */
  readonly partitionOf: (topic: string, record: OutgoingRecord) => number
  /** Begins to write the lines of the entries, in this order. stored() or notStored() must follow. */
  readonly store: (entries: readonly LaneEntry[]) => void
  /** An event that is not confirmed after this many milliseconds is late. */
  readonly timeoutMs: number
  /** The limit of memory for all lanes, in bytes. Above it, new events are kept on disk only. */
  readonly memoryBytes: number
  /** Bytes that each late lane may keep in memory even above that limit. Default 64 KiB. */
  readonly minHeadBytes?: number
  /** A lane stays late while a batch takes longer. Infinity: there is no log, every event stays in memory. */
  readonly quickMs: number
  /** Where the log ends at the start. No lane has caught up before all lines up to here are read. */
  readonly end: Place
  /** Where the first line lies that is not confirmed on all its lanes. */
  readonly floor: Place
}

const MIN_HEAD_BYTES = 64 * 1024
/** The most bytes that one late lane keeps in memory. */
const MAX_HEAD_BYTES = 256 * 1024

/**
 * All lanes and their entries. The board decides which entries are written to the log and when, what each lane sends next,
 * and what follows from each answer. Its caller passes in the time and the results of the log and of Kafka, so that the
 * model test can try any order of events.
 */
export class Board extends LaneTable {
  readonly #options: BoardOptions
  #order = 0
  #tickets = 0
  /** Where the durable part of the log ends. */
  end: Place
  /** All lines before this place were read once. NO_PLACE: the whole log was read. */
  scanned: Place

  constructor(options: BoardOptions) {
    super()
    this.#options = options
    this.end = options.end
    this.scanned = options.floor < options.end ? options.floor : NO_PLACE
  }

  /** Returns the lane. A new lane starts behind the lines that the log may hold for it. */
  lane(topic: string, partition: number): Lane {
    return this.find(topic, partition) ?? this.create(topic, partition, this.scanned)
  }

  /** @param loaded where the first line may lie that this lane has not received; NO_PLACE: there is none */
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

  /** Adds the records of a call. A record with a late lane is written to the log at once. */
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
        // Without a log, only the next event can show whether the lane is still slow.
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

  /** Makes the entry of a record that was read from the log at `place`. */
  restored(record: OutgoingRecord, lanes: readonly Lane[], place: Place): LaneEntry {
    const none = { enteredAt: -Infinity, call: undefined, index: 0 }
    const entry = new LaneEntry({ record, lanes, order: this.#order++, ...none })
    entry.stored = 'yes'
    entry.place = place
    return entry
  }

  /** Writes the entries, after the older unwritten entries of their lanes: the log keeps the order of each lane. */
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

  /** The lines cannot be written now. Calls that needed the log fail. Entries that no call waits for are dropped. */
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

  /** Fails the call, once. Removes its records that are neither written nor in flight. */
  fail(call: Call, error: Error): void {
    for (const lane of this.lanes) lane.drop(entry => entry.call === call && entry.stored === 'no')
    call.fail(error)
  }

  /**
   * Marks lanes as late whose oldest event has become late, and writes their events to the log. Returns these lanes.
   */
  noteLate(now: number): Lane[] {
    const late = this.lanes.filter(
      lane => !lane.late && now - (lane.oldest?.enteredAt ?? now) >= this.#options.timeoutMs
    )
    this.setLate(late)
    return late
  }

  /** Marks the lanes as late: their events are written to the log at once, so that no call waits for them. */
  setLate(lanes: readonly Lane[]): void {
    for (const lane of lanes) lane.late = true
    const urgent = lanes.flatMap(lane => lane.takeUnstored())
    if (urgent.length > 0) this.storeNow(urgent)
  }

  /** When the oldest waiting event of all lanes that are not late was published; undefined: none waits. */
  oldest(): number | undefined {
    let oldest = Infinity
    for (const lane of this.lanes) if (!lane.late) oldest = Math.min(oldest, lane.oldest?.enteredAt ?? Infinity)
    return oldest === Infinity ? undefined : oldest
  }

  /**
   * Kafka has confirmed the lane's batch. Calls `onEntry` for each entry and its position in the batch, in order, before
   * the entry's call settles.
   */
  confirm(lane: Lane, now: number, onEntry: (entry: LaneEntry, at: number) => void): void {
    const { batch } = lane
    if (batch === undefined) return
    lane.batch = undefined
    lane.movedAt = now
    lane.sequence += batch.count
    for (let at = 0; at < batch.count; at++) {
      const entry = lane.shift()
      onEntry(entry, at)
      this.#left(lane, entry)
    }
    this.#catchUp(lane, now, now - batch.sentAt)
  }

  /** Removes the first entry of the lane, which was a batch alone: the record was moved to the refused records. */
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

  /** Whether all lines that the log has for the lane were read. */
  hasRead(lane: Lane): boolean {
    return (lane.loaded ?? NO_PLACE) >= this.end
  }

  /** All lines before this place are confirmed on every lane. The end of the log: all lines are. */
  floor(): Place {
    let floor = Math.min(this.scanned, this.end)
    for (const lane of this.lanes) floor = Math.min(floor, lane.position())
    return floor
  }
}
