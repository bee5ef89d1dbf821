import { join } from 'node:path'
import type { DamagedRange, LogLines, Position, SegmentInfo, SegmentLog, SegmentSource } from '../log/contract.ts'
import { createDamageReport, type DamageReport } from '../log/read/damage-report.ts'
import { loadPositions, POSITION_FILE, savePositions, type ConsumerPosition } from '../log/segment/position-file.ts'
import { sequenceOf } from '../log/segment/segment-name.ts'
import type { Place } from '../lanes/lane.ts'
import { SegmentReader } from './segment-reader.ts'

/** More than a segment can have, so that a segment's number and an offset make one number. */
const SEGMENT_SPAN = 2 ** 32
const CHUNK_BYTES = 256 * 1024

/** Lines of the log with their places, as they were read at one place. */
export interface TapePiece {
  /** As it was asked for, and where to read on; the same where nothing is there. */
  readonly start: Place
  readonly next: Place
  readonly lines: readonly { readonly place: Place; readonly line: Buffer }[]
}

/** How far a lane is. */
export interface LanePosition {
  readonly topic: string
  readonly partition: number
  readonly place: Place
}

/** One folder of segments on the tape. */
interface Reel {
  readonly source: SegmentSource
  readonly path: string
  readonly report: DamageReport
  /** As it was kept last, in the form of the file. */
  saved: ConsumerPosition | undefined
  /** `topic/partition` -> where the first line may be that an earlier process has not delivered. */
  readonly starts: Map<string, Place>
  /** Of its first line, and of the first that is another reel's. */
  first: Place
  end: Place
  /** Where its first undelivered line was at the start. */
  floor: Place
}

interface Numbered {
  readonly reel: Reel
  readonly segment: SegmentInfo
}

/** Loads how far the folders are delivered, and makes one log of them; the spool is the last and grows. */
export async function openTape(options: {
  readonly kept: readonly SegmentSource[]
  readonly spool: SegmentLog
  readonly log: LogLines
  /** About so much is read at once. Default 256 KiB. */
  readonly chunkBytes?: number
  /** Told of bytes that were skipped, once each, also over restarts. */
  readonly onDamaged?: (range: DamagedRange) => void
}): Promise<Tape> {
  const { kept, spool, log } = options
  const tape = new Tape(options)
  for (const source of [...kept, spool]) {
    const path = join(source.dir, POSITION_FILE)
    const { delivered, problem } = await loadPositions(path)
    if (problem !== undefined) {
      log.warn({ file: path }, `${problem}: the records of ${source.dir} are delivered again from the oldest on`)
    }
    tape.add(source, path, delivered)
  }
  return tape
}

/** Folders of segments as one log, one after the other. */
export class Tape {
  readonly #spool: SegmentLog
  readonly #log: LogLines
  readonly #onDamaged: ((range: DamagedRange) => void) | undefined
  readonly #reels: Reel[] = []
  /** By number; what is deleted leaves a hole. */
  readonly #segments: (Numbered | undefined)[] = []
  readonly #numbers = new WeakMap<SegmentInfo, number>()
  readonly #unsubscribe: () => void
  readonly #reader: SegmentReader
  #reading: Promise<unknown> = Promise.resolve()
  /** Old segments turned up after the start: only another start can tell what is delivered of them. */
  #isStale = false

  constructor(options: Pick<Parameters<typeof openTape>[0], 'spool' | 'log' | 'chunkBytes' | 'onDamaged'>) {
    const { spool, log, chunkBytes = CHUNK_BYTES } = options
    this.#spool = spool
    this.#log = log
    this.#reader = new SegmentReader(log, chunkBytes)
    this.#onDamaged = options.onDamaged
    let isUnread = !spool.health().ready && spool.segments().length === 0
    this.#unsubscribe = spool.subscribe(() => {
      if (!isUnread || spool.segments().length === 0) return
      isUnread = false
      this.#isStale = spool.segments().some(({ closed }) => closed)
      if (this.#isStale)
        log.warn({ dir: spool.dir }, 'earlier records turned up: they go to Kafka after the next start')
    })
  }

  add(source: SegmentSource, path: string, delivered: ConsumerPosition | undefined): void {
    const report = createDamageReport({ source, log: this.#log, readOnly: false, onDamaged: this.#onDamaged })
    const first = this.#segments.length * SEGMENT_SPAN
    const reel: Reel = { source, path, report, saved: undefined, starts: new Map(), first, end: Infinity, floor: first }
    const last = this.#reels.at(-1)
    if (last !== undefined) last.end = first
    this.#reels.push(reel)
    for (const segment of source.segments()) this.#number(reel, segment)
    if (delivered === undefined) return
    const floor = this.#placeIn(reel, delivered.floor)
    const isMisfit = source
      .segments()
      .some(({ file, bytes }) => file === delivered.floor.file && bytes < delivered.floor.offset)
    if (floor === undefined || isMisfit) {
      this.#log.warn(
        { file: path, position: delivered.floor, instead: floor },
        'the position does not fit the segments'
      )
      if (floor === undefined) return
    }
    reel.saved = delivered
    reel.floor = floor
    for (const [topic, { at }] of Object.entries(delivered.topics)) {
      for (const [partition, position] of Object.entries(at)) {
        const place = this.#placeIn(reel, position)
        if (place !== undefined) reel.starts.set(`${topic}/${partition}`, place)
      }
    }
  }

  #number(reel: Reel, segment: SegmentInfo): void {
    this.#numbers.set(segment, this.#segments.length)
    this.#segments.push({ reel, segment })
  }

  #refresh(): void {
    const reel = this.#reels.at(-1) as Reel
    for (const segment of this.#spool.segments()) if (!this.#numbers.has(segment)) this.#number(reel, segment)
  }

  /** Where the durable part ends. */
  end(): Place {
    this.#refresh()
    const last = this.#segments.at(-1)
    if (last === undefined) return this.#segments.length * SEGMENT_SPAN
    return (this.#segments.length - 1) * SEGMENT_SPAN + last.segment.bytes
  }

  /** Where the first line is that was not delivered when the tape was opened; end() where all was. */
  start(): Place {
    const begin = this.#reels.find(({ source, floor, end }) => {
      const last = source.segments().at(-1)
      const lastPlace = last === undefined ? floor : (this.#numbers.get(last) ?? 0) * SEGMENT_SPAN + last.bytes
      return floor < Math.min(end, lastPlace)
    })
    return begin?.floor ?? this.end()
  }

  /** The place of a position in the spool. */
  placeOf({ file, offset }: Position): Place {
    this.#refresh()
    const segment = this.#spool.segments().findLast(segment => segment.file === file)
    const number = segment === undefined ? undefined : this.#numbers.get(segment)
    return (number ?? this.#segments.length) * SEGMENT_SPAN + offset
  }

  /** Undefined where the position cannot be one of this folder. */
  #placeIn(reel: Reel, { file, offset }: Position): Place | undefined {
    const sequence = sequenceOf(file) ?? 0
    const segments = reel.source.segments()
    const same = segments.find(segment => segment.sequence === sequence)
    if (same !== undefined) {
      if (same.file !== file) return undefined
      return (this.#numbers.get(same) ?? 0) * SEGMENT_SPAN + (offset <= same.bytes ? offset : 0)
    }
    const next = segments.find(segment => segment.sequence > sequence)
    if (next !== undefined) return (this.#numbers.get(next) ?? 0) * SEGMENT_SPAN
    return segments.length === 0 ? this.#segments.length * SEGMENT_SPAN : undefined
  }

  /** Reads about one chunk. Rejects with the file system's error; another call tries again. One call at a time. */
  read(start: Place): Promise<TapePiece> {
    const piece = this.#read(start)
    this.#reading = piece.catch(() => undefined)
    return piece
  }

  async #read(start: Place): Promise<TapePiece> {
    this.#refresh()
    for (let number = Math.floor(start / SEGMENT_SPAN); number < this.#segments.length; number++) {
      const found = this.#segments[number]
      if (found === undefined) continue
      const base = number * SEGMENT_SPAN
      const offset = Math.max(start, found.reel.floor) - base
      if (offset >= found.segment.bytes) {
        if (!found.segment.closed) return { start, next: start, lines: [] }
        continue
      }
      const piece = await this.#reader.read(found, number, Math.max(0, offset))
      if (piece === undefined) {
        this.#segments[number] = undefined
        continue
      }
      const { reached, split } = piece
      const lines = split.lines.map((line, at) => ({ place: base + (split.offsets[at] ?? 0), line }))
      if (reached === offset) return { start, next: start, lines }
      const isEnd = reached >= found.segment.bytes && found.segment.closed
      return { start, next: isEnd ? base + SEGMENT_SPAN : base + reached, lines }
    }
    // What is left is gone, or ended before.
    return { start, next: Math.max(start, this.#segments.length * SEGMENT_SPAN), lines: [] }
  }

  /** Whether an earlier process has delivered the line at `place` for this lane. */
  isDone(lane: LanePosition, partitions: number | undefined): boolean {
    const { topic, partition, place } = lane
    const reel = this.#reels.find(({ end }) => place < end)
    if (reel === undefined || reel.saved?.topics[topic]?.partitions !== partitions) return false
    return place < (reel.starts.get(`${topic}/${partition}`) ?? 0)
  }

  /** Keeps how far the lanes are. Rejects with the file system's error; then what was kept before still is. */
  async save(floor: Place, lanes: readonly LanePosition[], partitions: ReadonlyMap<string, number>): Promise<void> {
    if (this.#isStale) return
    for (const reel of this.#reels) {
      const next = this.#deliveredOf(reel, { floor, lanes, partitions })
      if (next === undefined || JSON.stringify(next) === JSON.stringify(reel.saved)) continue
      await savePositions(reel.path, next)
      reel.saved = next
    }
  }

  #deliveredOf(
    reel: Reel,
    to: { floor: Place; lanes: readonly LanePosition[]; partitions: ReadonlyMap<string, number> }
  ): ConsumerPosition | undefined {
    const within = (place: Place): Place => Math.min(reel.end, Math.max(reel.floor, place))
    const place = within(to.floor)
    const floor = this.#positionAt(reel, place)
    if (floor === undefined) return undefined
    const topics: Record<string, { partitions: number; at: Record<string, Position> }> = {}
    const note = (topic: string, partition: number | string, partitions: number, at: Place): void => {
      const position = at > place ? this.#positionAt(reel, at) : undefined
      if (position === undefined) return
      const entry = (topics[topic] ??= { partitions, at: {} })
      entry.at[partition] = position
    }
    for (const [topic, { partitions, at }] of Object.entries(reel.saved?.topics ?? {})) {
      if ((to.partitions.get(topic) ?? partitions) !== partitions) continue
      for (const partition of Object.keys(at)) {
        note(topic, partition, partitions, reel.starts.get(`${topic}/${partition}`) ?? 0)
      }
    }
    for (const lane of to.lanes) {
      const partitions = to.partitions.get(lane.topic)
      if (partitions === undefined || lane.partition < 0) continue
      const isSame = reel.saved?.topics[lane.topic]?.partitions === partitions
      const before = isSame ? (reel.starts.get(`${lane.topic}/${lane.partition}`) ?? 0) : 0
      note(lane.topic, lane.partition, partitions, within(Math.max(before, lane.place)))
    }
    return { floor, topics }
  }

  /** Undefined where the reel has had no segment up to there. */
  #positionAt(reel: Reel, place: Place): Position | undefined {
    const number = Math.floor(place / SEGMENT_SPAN)
    const at = this.#segments[number]
    const offset = place % SEGMENT_SPAN
    if (at?.reel === reel && offset > 0) return { file: at.segment.file, offset }
    for (let before = number - 1; before * SEGMENT_SPAN >= reel.first; before--) {
      const segment = this.#segments[before]?.segment ?? this.#gone[before]
      if (segment !== undefined) return { file: segment.file, offset: segment.bytes }
    }
    if (at?.reel === reel) return { file: at.segment.file, offset: 0 }
    const gone = this.#gone[number]
    return gone === undefined ? reel.saved?.floor : { file: gone.file, offset }
  }

  /** Deleted segments, by number: the newest of them still says how far all is delivered. */
  readonly #gone: (SegmentInfo | undefined)[] = []

  /** Deletes the spool's segments before `floor`; the one that is being written only `andActive`. */
  async clear(floor: Place, andActive: boolean): Promise<void> {
    if (this.#isStale) return
    const reel = this.#reels.at(-1) as Reel
    const uncopied = await reel.report.retry()
    const done: { number: number; segment: SegmentInfo; bytes: number }[] = []
    for (const segment of this.#spool.segments()) {
      const number = this.#numbers.get(segment)
      const { bytes } = segment
      if (number === undefined || bytes === 0 || number * SEGMENT_SPAN + bytes > floor) continue
      if ((segment.closed || andActive) && !uncopied.has(segment.file)) done.push({ number, segment, bytes })
    }
    if (done.length === 0) return
    await this.#spool.remove(done.map(({ segment, bytes }) => ({ file: segment.file, bytes })))
    for (const { number, segment } of done) {
      if (this.#spool.segments().includes(segment)) continue
      this.#segments[number] = undefined
      this.#gone[number] = segment
      for (let before = number - 1; before >= 0 && this.#gone[before] !== undefined; before--)
        this.#gone[before] = undefined
    }
  }

  /** Bytes of records behind `floor`. */
  backlogBytes(floor: Place): number {
    this.#refresh()
    let sum = 0
    this.#segments.forEach((found, number) => {
      if (found === undefined) return
      const from = Math.max(floor, found.reel.floor) - number * SEGMENT_SPAN
      sum += Math.max(0, found.segment.bytes - Math.max(0, from))
    })
    return sum
  }

  /** Whether all that a folder holds is before `floor`. */
  isDelivered(source: SegmentSource, floor: Place): boolean {
    const reel = this.#reels.find(reel => reel.source === source)
    return reel !== undefined && Math.max(floor, reel.floor) >= reel.end
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    await this.#reading
    await this.#reader.close()
  }
}
