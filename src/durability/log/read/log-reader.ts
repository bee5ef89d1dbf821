import type { LogLines, SegmentInfo, SegmentSource } from '../contract.ts'
import { createDamageReport } from './damage-report.ts'
import { isNotFound } from '../segment/files.ts'
import { openSegment, type OpenSegment } from './open-segment.ts'

export interface LogReader {
  /**
   * The next lines in order, at most about one chunk of them, each whole, undamaged and with its line feed; none where
   * all was damaged. Undefined at the end of what is durable now. One call at a time. Rejects with the file system's
   * error; another call tries the same place again.
   */
  next(): Promise<readonly Buffer[] | undefined>
  close(): Promise<void>
}

const CHUNK_BYTES = 1024 * 1024

/** Reads a folder of segments from the oldest on and leaves it as it is. */
export function createLogReader(options: {
  readonly source: SegmentSource
  readonly log: LogLines
  readonly chunkBytes?: number
}): LogReader {
  const { source, log, chunkBytes = CHUNK_BYTES } = options
  const report = createDamageReport({ source, log, readOnly: true, onDamaged: undefined })
  let sequence = 0
  let offset = 0
  let opened: OpenSegment | undefined

  async function openFor(segment: SegmentInfo): Promise<OpenSegment | undefined> {
    if (opened?.file === segment.file) return opened
    await opened?.close()
    opened = undefined
    try {
      return (opened = await openSegment({ dir: source.dir, segment, chunkBytes }))
    } catch (error) {
      if (!isNotFound(error)) throw error
      log.error({ dir: source.dir, file: segment.file }, 'a segment is gone')
      return undefined
    }
  }

  return {
    async next() {
      for (const segment of source.segments()) {
        const from = segment.sequence === sequence ? offset : 0
        if (segment.sequence < sequence || from >= segment.bytes) continue
        const segmentFile = await openFor(segment)
        const split = await segmentFile?.read(from)
        if (split?.next === from && !segment.closed) return undefined
        sequence = segment.sequence
        // A segment that is gone, or ends before its length, has been cut by others: go on behind it.
        offset = split === undefined || split.next === from ? segment.bytes : split.next
        if (segmentFile !== undefined && split !== undefined) await report.tell(segmentFile, split.damaged)
        return split?.lines ?? []
      }
      return undefined
    },
    close: async () => await opened?.close()
  }
}
