import type { LogLines, SegmentInfo, SegmentSource } from '../log/contract.ts'
import type { DamageReport } from '../log/read/damage-report.ts'
import { isNotFound } from '../log/segment/files.ts'
import { openSegment, type OpenSegment } from '../log/read/open-segment.ts'

/** A segment, its folder, and who is told of what is damaged in it. */
export interface ReadableSegment {
  readonly segment: SegmentInfo
  readonly reel: { readonly source: SegmentSource; readonly report: DamageReport }
}

/** Reads lines of segments at any place. One call at a time: what it has read is right until the next. */
export class SegmentReader {
  readonly #log: LogLines
  readonly #chunkBytes: number
  /** The same for all chunks: else V8 waits for 64 MB of them before it frees any. */
  readonly #memory: Buffer
  #opened: { readonly number: number; readonly from: OpenSegment; reached: number } | undefined

  constructor(log: LogLines, chunkBytes: number) {
    this.#log = log
    this.#chunkBytes = chunkBytes
    this.#memory = Buffer.allocUnsafeSlow(chunkBytes)
  }

  /** The lines at an offset and where they end; undefined where the file is gone. */
  async read(of: ReadableSegment, number: number, offset: number) {
    const { segment, reel } = of
    const from = await this.#openAt(of, number, offset)
    if (from === undefined) return undefined
    const split = await from.read(offset)
    // A segment that ends before its length has been cut by others: go on behind it.
    const reached = split.next === offset && segment.closed ? segment.bytes : split.next
    if (this.#opened?.from === from) this.#opened.reached = reached
    if (split.damaged.length > 0) await reel.report.tell(from, split.damaged)
    return { reached, split }
  }

  /** What is open can only be read forward. */
  async #openAt(of: ReadableSegment, number: number, offset: number): Promise<OpenSegment | undefined> {
    const { segment, reel } = of
    if (this.#opened?.number === number && this.#opened.reached <= offset) return this.#opened.from
    await this.close()
    try {
      const from = await openSegment({
        dir: reel.source.dir,
        segment,
        chunkBytes: this.#chunkBytes,
        memory: this.#memory
      })
      this.#opened = { number, from, reached: offset }
      return from
    } catch (error) {
      if (!isNotFound(error)) throw error
      if (reel.source.segments().includes(segment)) {
        this.#log.error({ dir: reel.source.dir, file: segment.file }, 'a segment is gone')
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
