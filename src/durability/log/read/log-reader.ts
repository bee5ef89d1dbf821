import type { LogLines, Position, SegmentSource } from '../contract.ts'
import { sequenceOf } from '../segment/segment-name.ts'
import { createDamageReport } from './damage-report.ts'
import { SegmentReader } from './segment-reader.ts'

const CHUNK_BYTES = 1024 * 1024

/**
 * Reads a folder of segments from the oldest one on, or from where an earlier reading ended, to the end of what is
 * durable. Changes nothing. Yields lines in order, about one chunk at a time, and where they end. Each line is whole,
 * undamaged, and has its line feed; there are none if all were damaged. Throws the file system's error.
 */
export async function* readLog(options: {
  readonly source: SegmentSource
  readonly log: LogLines
  readonly start?: Position | undefined
}): AsyncGenerator<{ readonly lines: readonly Buffer[]; readonly end: Position }> {
  const { source, log, start } = options
  const report = createDamageReport({ source, log, readOnly: true, onDamaged: undefined })
  const reader = new SegmentReader({ log, chunkBytes: CHUNK_BYTES, reusesMemory: false })
  const first = (start && sequenceOf(start.file)) ?? 0
  try {
    for (const segment of source.segments()) {
      if (segment.sequence < first) continue
      let offset = segment.sequence === first ? (start?.offset ?? 0) : 0
      while (offset < segment.bytes) {
        const piece = await reader.read({ segment, folder: { source, report } }, segment.sequence, offset)
        if (piece === undefined) break
        if (piece.reached === offset) return
        offset = piece.reached
        yield { lines: piece.split.lines, end: { file: segment.file, offset } }
      }
    }
  } finally {
    await reader.close()
  }
}
