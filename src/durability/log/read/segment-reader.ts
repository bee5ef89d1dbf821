import type { LogLines, SegmentInfo, SegmentSource } from '../contract.ts'
import { ifThere } from '../segment/files.ts'
import type { DamageReport } from './damage-report.ts'
import { openSegment, type OpenSegment } from './open-segment.ts'

/** A segment, its folder, and the report of its damage. */
export interface ReadableSegment {
  readonly segment: SegmentInfo
  readonly folder: { readonly source: SegmentSource; readonly report: DamageReport }
}

export interface SegmentReaderOptions {
  readonly log: LogLines
  /** About how many bytes are read at once. */
  readonly chunkBytes: number
  /**
   * Lines are valid until the next call only. With new memory for each call, V8 frees nothing before 64 MB of chunks.
   */
  readonly reusesMemory: boolean
}

interface Opened {
  readonly number: number
  readonly from: OpenSegment
  reached: number
}

/** Reads lines of segments at any place. One call at a time. */
export class SegmentReader {
  readonly #options: SegmentReaderOptions
  readonly #memory: Buffer | undefined
  #opened: Opened | undefined

  constructor(options: SegmentReaderOptions) {
    this.#options = options
    this.#memory = options.reusesMemory ? Buffer.allocUnsafeSlow(options.chunkBytes) : undefined
  }

  /** The lines at an offset and where they end; undefined where the file is gone. */
  async read(of: ReadableSegment, number: number, offset: number) {
    const { segment, folder } = of
    const opened = await this.#openAt(of, number, offset)
    if (opened === undefined) return undefined
    const split = await opened.from.read(offset)
    // Somebody has cut the segment short: continue behind it.
    const reached = split.next === offset && segment.closed ? segment.bytes : split.next
    opened.reached = reached
    await folder.report.add(opened.from, split.damaged)
    return { reached, split }
  }

  /** An open segment can only be read forwards. */
  async #openAt({ segment, folder }: ReadableSegment, number: number, offset: number): Promise<Opened | undefined> {
    if (this.#opened?.number === number && this.#opened.reached <= offset) return this.#opened
    await this.close()
    const { log, chunkBytes } = this.#options
    const { dir } = folder.source
    const from = await ifThere(openSegment({ dir, segment, chunkBytes, memory: this.#memory }))
    if (from !== undefined) return (this.#opened = { number, from, reached: offset })
    if (folder.source.segments().includes(segment)) log.error({ dir, file: segment.file }, 'a segment is gone')
    return undefined
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.from.close()
  }
}
