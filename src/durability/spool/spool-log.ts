import { join } from 'node:path'
import type { DamagedRange, LogLines, Position, SegmentInfo, SegmentLog, SegmentSource } from '../log/contract.ts'
import { createDamageReport } from '../log/read/damage-report.ts'
import { loadPositions, POSITION_FILE } from '../log/segment/position-file.ts'
import { isDelivered, keepPositions, restorePositions, type LanePosition, type Progress } from './positions.ts'
import { SegmentReader } from '../log/read/segment-reader.ts'
import { SEGMENT_SPAN, SegmentTable, type SpoolFolder } from './segment-table.ts'
import type { Place } from '../lanes/place.ts'

const CHUNK_BYTES = 256 * 1024

/** Lines of the log, with their places. Their bytes are valid until the next read. */
export interface SpoolChunk {
  /** The place at which the read started. `next`: where to continue; equal to `start` if there is nothing to read. */
  readonly start: Place
  readonly next: Place
  readonly lines: readonly { readonly place: Place; readonly line: Buffer }[]
}

export interface SpoolLogOptions {
  readonly kept: readonly SegmentSource[]
  readonly spool: SegmentLog
  readonly log: LogLines
  /** About how many bytes are read at once. Default 256 KiB. */
  readonly chunkBytes?: number
  /** Called once for each range of bytes that was skipped, also over restarts. */
  readonly onDamaged?: (range: DamagedRange) => void
}

/** Loads the positions of the folders and joins the folders to one log. The spool is the last and grows. */
export async function openSpoolLog(options: SpoolLogOptions): Promise<SpoolLog> {
  const { kept, spool, log, onDamaged } = options
  const table = new SegmentTable(spool)
  const spoolLog = new SpoolLog(table, options)
  for (const source of [...kept, spool]) {
    const path = join(source.dir, POSITION_FILE)
    const { delivered, problem } = await loadPositions(path)
    if (problem !== undefined) {
      log.warn({ file: path }, `${problem}: the records of ${source.dir} are delivered again from the oldest on`)
    }
    const report = createDamageReport({ source, log, readOnly: false, onDamaged })
    const folder = table.add({ source, path, report })
    if (delivered !== undefined) restorePositions(table, folder, delivered, log)
  }
  return spoolLog
}

/** Several folders of segments, read as one log. */
export class SpoolLog {
  readonly #spool: SegmentLog
  readonly #table: SegmentTable
  readonly #unsubscribe: () => void
  readonly #reader: SegmentReader
  #reading: Promise<unknown> = Promise.resolve()
  /** Old segments appeared after the start. Only another start can find out how far they are delivered. */
  #isStale = false

  constructor(table: SegmentTable, options: SpoolLogOptions) {
    const { spool, log, chunkBytes = CHUNK_BYTES } = options
    this.#spool = spool
    this.#table = table
    this.#reader = new SegmentReader({ log, chunkBytes, reusesMemory: true })
    let isUnread = !spool.health().ready && spool.segments().length === 0
    this.#unsubscribe = spool.subscribe(() => {
      if (!isUnread || spool.segments().length === 0) return
      isUnread = false
      this.#isStale = spool.segments().some(({ closed }) => closed)
      const words = 'earlier records turned up: they go to Kafka after the next start'
      if (this.#isStale) log.warn({ dir: spool.dir }, words)
    })
  }

  /** Where the durable part ends. */
  end(): Place {
    return this.#table.end()
  }

  /** Where the first line was that was not delivered when the log was opened; end() if all were. */
  start(): Place {
    const begin = this.#table.folders.find(({ source, floor, end }) => {
      const last = source.segments().at(-1)
      const lastPlace = last === undefined ? floor : (this.#table.placeOf(last) ?? 0) + last.bytes
      return floor < Math.min(end, lastPlace)
    })
    return begin?.floor ?? this.end()
  }

  /** The place of a position in the spool. */
  placeOf({ file, offset }: Position): Place {
    this.#table.refresh()
    const segment = this.#spool.segments().findLast(segment => segment.file === file)
    const begin = segment === undefined ? undefined : this.#table.placeOf(segment)
    return (begin ?? this.#table.length * SEGMENT_SPAN) + offset
  }

  /** Reads about one chunk. Rejects with the file system's error; another call tries again. One call at a time. */
  read(start: Place): Promise<SpoolChunk> {
    const piece = this.#read(start)
    this.#reading = piece.catch(() => undefined)
    return piece
  }

  async #read(start: Place): Promise<SpoolChunk> {
    this.#table.refresh()
    for (let number = Math.floor(start / SEGMENT_SPAN); number < this.#table.length; number++) {
      const found = this.#table.at(number)
      if (found === undefined) continue
      const base = number * SEGMENT_SPAN
      const offset = Math.max(start, found.folder.floor) - base
      if (offset >= found.segment.bytes) {
        if (!found.segment.closed) return { start, next: start, lines: [] }
        continue
      }
      const piece = await this.#reader.read(found, number, Math.max(0, offset))
      if (piece === undefined) {
        this.#table.lose(number)
        continue
      }
      const { reached, split } = piece
      const lines = split.lines.map((line, at) => ({ place: base + (split.offsets[at] ?? 0), line }))
      if (reached === offset) return { start, next: start, lines }
      const isEnd = reached >= found.segment.bytes && found.segment.closed
      return { start, next: isEnd ? base + SEGMENT_SPAN : base + reached, lines }
    }
    // All segments from here on are deleted or have ended before this place.
    return { start, next: Math.max(start, this.#table.length * SEGMENT_SPAN), lines: [] }
  }

  /** Whether an earlier process has delivered this lane's line at `place`. */
  isDone(lane: LanePosition, partitions: number | undefined): boolean {
    return isDelivered(this.#table, lane, partitions)
  }

  /** Saves the positions of the lanes. Rejects with the file system's error; the positions saved before stay valid. */
  async save(progress: Progress): Promise<void> {
    if (!this.#isStale) await keepPositions(this.#table, progress)
  }

  /** Deletes the spool's segments before `floor`; the one that is being written only `andActive`. */
  async clear(floor: Place, andActive: boolean): Promise<void> {
    if (this.#isStale) return
    const { report } = this.#table.folders.at(-1) as SpoolFolder
    const uncopied = await report.retry()
    const isDone = (segment: SegmentInfo): boolean => {
      const begin = this.#table.placeOf(segment)
      if (begin === undefined || segment.bytes === 0 || begin + segment.bytes > floor) return false
      return (segment.closed || andActive) && !uncopied.has(segment.file)
    }
    const done = this.#spool.segments().filter(isDone)
    if (done.length === 0) return
    await this.#spool.remove(done.map(({ file, bytes }) => ({ file, bytes })))
    for (const segment of done) if (!this.#spool.segments().includes(segment)) this.#table.drop(segment)
  }

  /** Bytes of the records from `floor` on. */
  backlogBytes(floor: Place): number {
    this.#table.refresh()
    let sum = 0
    for (let number = 0; number < this.#table.length; number++) {
      const found = this.#table.at(number)
      if (found === undefined) continue
      const from = Math.max(floor, found.folder.floor) - number * SEGMENT_SPAN
      sum += Math.max(0, found.segment.bytes - Math.max(0, from))
    }
    return sum
  }

  /** Whether everything in a folder lies before `floor`. */
  isDelivered(source: SegmentSource, floor: Place): boolean {
    const folder = this.#table.folders.find(folder => folder.source === source)
    return folder !== undefined && Math.max(floor, folder.floor) >= folder.end
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    await this.#reading
    await this.#reader.close()
  }
}
