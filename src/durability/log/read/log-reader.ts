import type { LogLines, Position, SegmentSource } from '../contract.ts'
import { sequenceOf } from '../segment/segment-name.ts'
import { createDamageReport } from './damage-report.ts'
import { SegmentReader } from './segment-reader.ts'

export interface LogReader {
  /**
   * Returns the next lines in order, about one chunk at most. Each line is whole, undamaged, and has its line feed;
   * there are none if all were damaged. Undefined at the end of what is durable now. One call at a time. Rejects with
   * the file system's error; another call reads the same place again.
   */
  next(): Promise<readonly Buffer[] | undefined>
  /** Where the next call continues; undefined before the first lines of a log that is read from its beginning. */
  position(): Position | undefined
  close(): Promise<void>
}

const CHUNK_BYTES = 1024 * 1024

/** Reads a folder of segments from the oldest one on, or from a position of an earlier reader. Changes nothing. */
export function createLogReader(options: {
  readonly source: SegmentSource
  readonly log: LogLines
  readonly chunkBytes?: number
  readonly start?: Position | undefined
}): LogReader {
  const { source, log, chunkBytes = CHUNK_BYTES, start } = options
  const report = createDamageReport({ source, log, readOnly: true, onDamaged: undefined })
  const reader = new SegmentReader({ log, chunkBytes, reusesMemory: false })
  let sequence = (start && sequenceOf(start.file)) ?? 0
  let offset = start?.offset ?? 0
  let file = start?.file

  return {
    async next() {
      for (const segment of source.segments()) {
        const from = segment.sequence === sequence ? offset : 0
        if (segment.sequence < sequence || from >= segment.bytes) continue
        const piece = await reader.read({ segment, folder: { source, report } }, segment.sequence, from)
        if (piece?.reached === from) return undefined
        sequence = segment.sequence
        offset = piece?.reached ?? segment.bytes
        file = segment.file
        return piece?.split.lines ?? []
      }
      return undefined
    },
    position: () => (file === undefined ? undefined : { file, offset }),
    close: () => reader.close()
  }
}
