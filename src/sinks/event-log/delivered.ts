import { join } from 'node:path'
import type { LogLines, Position, SegmentInfo, SegmentSource } from './contract.ts'
import { comparePositions, loadPosition, POSITION_FILE, savePosition } from './position-file.ts'
import { sequenceOf } from './segment-name.ts'

/** How far a folder's records are delivered. */
export interface Delivered {
  /** Everything before it is delivered; undefined: nothing is known to be. */
  position(): Position | undefined
  /** Moves it forward, durably; a position before it changes nothing. Rejects with the file system's error. */
  advance(position: Position): Promise<void>
  /** The segments that lie wholly before it. */
  consumed(): SegmentInfo[]
  backlogBytes(): number
}

/**
 * Loads the position that is kept in the folder. One that is missing, damaged or does not fit the segments counts as
 * an earlier one: records are then delivered again, never left out.
 */
export async function loadDelivered(options: { source: SegmentSource; log: LogLines }): Promise<Delivered> {
  const { source, log } = options
  const path = join(source.dir, POSITION_FILE)
  const stored = await loadPosition(path)
  if (stored.problem !== undefined) {
    log.warn({ file: path }, `${stored.problem}: the records of ${source.dir} are delivered again from the oldest on`)
  }
  let position = stored.position
  let isJudged = position === undefined

  function judged(): Position | undefined {
    const segments = source.segments()
    if (isJudged || position === undefined || segments.length === 0) return position
    isJudged = true
    const fitting = fit(position, segments)
    if (fitting !== position) {
      log.warn({ file: path, position, instead: fitting ?? 'the oldest' }, 'the position does not fit the segments')
    }
    return (position = fitting)
  }

  return {
    position: judged,
    async advance(to) {
      const from = judged()
      if (from !== undefined && comparePositions(to, from) <= 0) return
      await savePosition(path, to)
      position = to
      isJudged = true
    },
    consumed() {
      const at = judged()
      if (at === undefined) return []
      const sequence = sequenceOf(at.file) ?? 0
      return source.segments().filter(segment => undelivered(segment, at, sequence) === 0)
    },
    backlogBytes() {
      const at = judged()
      const sequence = at === undefined ? 0 : (sequenceOf(at.file) ?? 0)
      return source.segments().reduce((sum, segment) => sum + undelivered(segment, at, sequence), 0)
    }
  }
}

/** The position itself when it can be one of this folder, else a safe one before it. */
function fit(position: Position, segments: readonly SegmentInfo[]): Position | undefined {
  const sequence = sequenceOf(position.file) ?? 0
  const same = segments.find(segment => segment.sequence === sequence)
  if (same !== undefined) {
    if (same.file !== position.file) return undefined
    return position.offset <= same.bytes ? position : { file: same.file, offset: 0 }
  }
  const newest = segments.at(-1)
  return newest !== undefined && newest.sequence > sequence ? position : undefined
}

function undelivered(segment: SegmentInfo, at: Position | undefined, sequence: number): number {
  if (at === undefined) return segment.bytes
  if (segment.sequence !== sequence) return segment.sequence < sequence ? 0 : segment.bytes
  return Math.max(0, segment.bytes - at.offset)
}
