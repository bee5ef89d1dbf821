import type { LogLines, SegmentInfo, SegmentSource } from '../contract.ts'
import { isNotFound } from '../segment/files.ts'
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

/** Reads lines of segments at any place. One call at a time. */
export class SegmentReader {
  readonly #options: SegmentReaderOptions
  readonly #memory: Buffer | undefined
  #opened: { readonly number: number; readonly from: OpenSegment; reached: number } | undefined

  constructor(options: SegmentReaderOptions) {
    this.#options = options
    this.#memory = options.reusesMemory ? Buffer.allocUnsafeSlow(options.chunkBytes) : undefined
  }

  /** The lines at an offset and where they end; undefined where the file is gone. */
  async read(of: ReadableSegment, number: number, offset: number) {
    const { segment, folder } = of
    const from = await this.#openAt(of, number, offset)
    if (from === undefined) return undefined
    const split = await from.read(offset)
    // Somebody has cut the segment short: continue behind it.
    const reached = split.next === offset && segment.closed ? segment.bytes : split.next
    if (this.#opened?.from === from) this.#opened.reached = reached
    if (split.damaged.length > 0) await folder.report.add(from, split.damaged)
    return { reached, split }
  }

  /** An open segment can only be read forwards. */
  async #openAt(of: ReadableSegment, number: number, offset: number): Promise<OpenSegment | undefined> {
    const { segment, folder } = of
    if (this.#opened?.number === number && this.#opened.reached <= offset) return this.#opened.from
    await this.close()
    try {
      const from = await openSegment({
        dir: folder.source.dir,
        segment,
        chunkBytes: this.#options.chunkBytes,
        memory: this.#memory
      })
      this.#opened = { number, from, reached: offset }
      return from
    } catch (error) {
      if (!isNotFound(error)) throw error
      if (folder.source.segments().includes(segment)) {
        this.#options.log.error({ dir: folder.source.dir, file: segment.file }, 'a segment is gone')
      }
      return undefined
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.from.close()
  }
}
