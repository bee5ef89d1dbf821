import type { ByteRange, DamagedRange, LogLines, SegmentSource } from '../contract.ts'
import { openSegment, type OpenSegment } from './open-segment.ts'

export interface DamageReport {
  /** Copies ranges aside and reports those that were not copied before. Never rejects. */
  add(segment: OpenSegment, ranges: readonly ByteRange[]): Promise<void>
  /** Repeats copies that failed. Resolves with the segments that must not be deleted before their copies succeed. */
  retry(): Promise<ReadonlySet<string>>
}

/** Keeps, counts and logs damaged bytes once, so that they do not stop the reading. */
export function createDamageReport(options: {
  source: SegmentSource
  log: LogLines
  /** Copies nothing and reports everything. */
  readOnly: boolean
  onDamaged: ((range: DamagedRange) => void) | undefined
}): DamageReport {
  const { source, log, readOnly, onDamaged } = options
  const uncopied = new Map<string, ByteRange[]>()

  async function add(segment: OpenSegment, ranges: readonly ByteRange[]): Promise<void> {
    const { file } = segment
    for (const range of ranges) {
      try {
        if (!readOnly && !(await segment.setAside(range))) continue
        log.warn({ dir: source.dir, file, ...range }, 'skipped damaged bytes in a segment')
        onDamaged?.({ file, ...range })
      } catch (error) {
        uncopied.set(file, [...(uncopied.get(file) ?? []), range])
        log.error({ dir: source.dir, file, ...range, err: error }, 'damaged bytes cannot be copied aside yet')
      }
    }
  }

  return {
    add,
    async retry() {
      for (const [file, ranges] of [...uncopied]) {
        const segment = source.segments().find(candidate => candidate.file === file)
        uncopied.delete(file)
        if (segment === undefined) continue
        try {
          const opened = await openSegment({ dir: source.dir, segment, chunkBytes: 0 })
          await add(opened, ranges)
          await opened.close()
        } catch {
          uncopied.set(file, ranges)
        }
      }
      return new Set(uncopied.keys())
    }
  }
}
