import type { LogLines, Position, SegmentSource } from '../contract.ts'
import { sequenceOf } from '../segment/segment-name.ts'
import { createDamageReport } from './damage-report.ts'
import { SegmentReader } from './segment-reader.ts'

export interface LogReader {
  /**
   * The next lines in order, at most about one chunk of them, each whole, undamaged and with its line feed; none where
   * all was damaged. Undefined at the end of what is durable now. One call at a time. Rejects with the file system's
   * error; another call tries the same place again.
   */
  next(): Promise<readonly Buffer[] | undefined>
  /** Where the next call goes on; undefined before the first lines of a log that is read from its beginning. */
  position(): Position | undefined
  close(): Promise<void>
}

const CHUNK_BYTES = 1024 * 1024

/** Reads a folder of segments from the oldest on, or from a position of an earlier reader, and changes nothing. */
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
