import type { Position, SegmentInfo, SegmentLog, SegmentSource } from '../log/contract.ts'
import type { DamageReport } from '../log/read/damage-report.ts'
import type { ConsumerPosition } from '../log/segment/position-file.ts'
import { sequenceOf } from '../log/segment/segment-name.ts'
import type { Place } from '../lanes/place.ts'

/** More bytes than a segment can have: number of the segment times this, plus the offset, is a place. */
export const SEGMENT_SPAN = 2 ** 32

/** One folder of segments in the spool log. */
export interface SpoolFolder {
  readonly source: SegmentSource
  /** Of its position file. */
  readonly path: string
  readonly report: DamageReport
  /** The content that was saved last. */
  saved: ConsumerPosition | undefined
  /** `topic/partition` -> where the first line may be that an earlier process has not delivered. */
  readonly starts: Map<string, Place>
  /** Place of its first line. `end`: place of the first line of the next folder. */
  first: Place
  end: Place
  /** Where its first undelivered line was at the start. */
  floor: Place
}

interface Numbered {
  readonly folder: SpoolFolder
  readonly segment: SegmentInfo
}

/** Numbers the segments of several folders in a row, so that a place is one number over all of them. */
export class SegmentTable {
  readonly folders: SpoolFolder[] = []
  readonly #spool: SegmentLog
  /** By number; undefined: deleted. */
  readonly #segments: (Numbered | undefined)[] = []
  readonly #numbers = new WeakMap<SegmentInfo, number>()
  /** Deleted segments by number. The newest of them still marks how far everything is delivered. */
  readonly #deleted: (SegmentInfo | undefined)[] = []

  /** @param spool the folder that grows; it must be added last */
  constructor(spool: SegmentLog) {
    this.#spool = spool
  }

  add(of: Pick<SpoolFolder, 'source' | 'path' | 'report'>): SpoolFolder {
    const first = this.#segments.length * SEGMENT_SPAN
    const folder: SpoolFolder = { ...of, saved: undefined, starts: new Map(), first, end: Infinity, floor: first }
    const last = this.folders.at(-1)
    if (last !== undefined) last.end = first
    this.folders.push(folder)
    for (const segment of of.source.segments()) this.#number(folder, segment)
    return folder
  }

  #number(folder: SpoolFolder, segment: SegmentInfo): void {
    this.#numbers.set(segment, this.#segments.length)
    this.#segments.push({ folder, segment })
  }

  /** Gives numbers to segments that the spool has begun since the last call. */
  refresh(): void {
    const folder = this.folders.at(-1) as SpoolFolder
    for (const segment of this.#spool.segments()) if (!this.#numbers.has(segment)) this.#number(folder, segment)
  }

  get length(): number {
    return this.#segments.length
  }

  /** Undefined if the segment was deleted. */
  at(number: number): Numbered | undefined {
    return this.#segments[number]
  }

  /** The place where the segment begins; undefined if it has no number. */
  placeOf(segment: SegmentInfo): Place | undefined {
    const number = this.#numbers.get(segment)
    return number === undefined ? undefined : number * SEGMENT_SPAN
  }

  /** To be called when the segment's file is missing. */
  lose(number: number): void {
    this.#segments[number] = undefined
  }

  /** The segment was deleted because all of it is delivered. */
  drop(segment: SegmentInfo): void {
    const number = this.#numbers.get(segment) as number
    this.lose(number)
    this.#deleted[number] = segment
    for (let at = number - 1; at >= 0 && this.#deleted[at] !== undefined; at--) this.#deleted[at] = undefined
  }

  /** Where the durable part ends. */
  end(): Place {
    this.refresh()
    const last = this.#segments.at(-1)
    if (last === undefined) return this.#segments.length * SEGMENT_SPAN
    return (this.#segments.length - 1) * SEGMENT_SPAN + last.segment.bytes
  }

  /** The place of a position in a folder; undefined if the position cannot be one of this folder. */
  placeIn(folder: SpoolFolder, { file, offset }: Position): Place | undefined {
    const sequence = sequenceOf(file) ?? 0
    const segments = folder.source.segments()
    const same = segments.find(segment => segment.sequence === sequence)
    if (same !== undefined) {
      return same.file === file ? (this.placeOf(same) ?? 0) + (offset <= same.bytes ? offset : 0) : undefined
    }
    const next = segments.find(segment => segment.sequence > sequence)
    if (next !== undefined) return this.placeOf(next) ?? 0
    return segments.length === 0 ? this.#segments.length * SEGMENT_SPAN : undefined
  }

  /** The position of a place in a folder; undefined if the folder had no segment up to there. */
  positionAt(folder: SpoolFolder, place: Place): Position | undefined {
    const number = Math.floor(place / SEGMENT_SPAN)
    const at = this.#segments[number]
    const offset = place % SEGMENT_SPAN
    if (at?.folder === folder && offset > 0) return { file: at.segment.file, offset }
    for (let before = number - 1; before * SEGMENT_SPAN >= folder.first; before--) {
      const segment = this.#segments[before]?.segment ?? this.#deleted[before]
      if (segment !== undefined) return { file: segment.file, offset: segment.bytes }
    }
    if (at?.folder === folder) return { file: at.segment.file, offset: 0 }
    const deleted = this.#deleted[number]
    return deleted === undefined ? folder.saved?.floor : { file: deleted.file, offset }
  }
}
