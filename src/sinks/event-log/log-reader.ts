import type { DamagedRange, LogLines, Position, SegmentInfo, SegmentSource } from './contract.ts'
import { createDamageReport } from './damage-report.ts'
import { loadDelivered } from './delivered.ts'
import { isNotFound } from './files.ts'
import { openSegment } from './open-segment.ts'
import type { OpenSegment } from './open-segment.ts'
import { comparePositions } from './position-file.ts'
import { sequenceOf } from './segment-name.ts'

export interface Batch {
  readonly file: string
  /** Whole, undamaged lines, line feed included; none where all was damaged: then only `end` is of use. */
  readonly lines: readonly Buffer[]
  /** Where line `index` begins. */
  position(index: number): Position
  /** Where line `index` ends: what to commit once it and all before it are delivered. */
  after(index: number): Position
  /** Where the next batch begins: what to commit once all lines are delivered. */
  readonly end: Position
}

export interface LogReader {
  /**
   * The next lines in order, at most about one chunk of them; undefined at the end of what is durable now.
   * One call at a time. Rejects with the file system's error; another call tries the same place again.
   */
  next(): Promise<Batch | undefined>
  /** Resolves once next() is worth calling, and when the reader is closed. */
  wait(): Promise<void>
  /**
   * Everything before `position` is delivered. Resolves when that is on disk and segments that it covers are deleted
   * (`deleteConsumed`). A position before the last one changes nothing. Rejects with the file system's error.
   */
  commit(position: Position): Promise<void>
  /** Durable bytes that are not committed as delivered. */
  backlogBytes(): number
  /** Waits for commits; lets go of files. Safe to call twice. */
  close(): Promise<void>
}

export interface LogReaderOptions {
  readonly source: SegmentSource
  readonly log: LogLines
  /** Segments that are wholly committed are deleted, the active one too when nothing is on its way into it. */
  readonly deleteConsumed?: boolean | undefined
  /** Keeps no position and copies no damaged bytes: reads from the oldest segment and leaves the folder as it is. */
  readonly readOnly?: boolean | undefined
  readonly chunkBytes?: number | undefined
  /** Told of bytes that were skipped, once each, also over restarts. */
  readonly onDamaged?: ((range: DamagedRange) => void) | undefined
}

const CHUNK_BYTES = 1024 * 1024

/** Reads a folder of segments from the first record that is not committed as delivered. Rejects for no state of it. */
export async function createLogReader(options: LogReaderOptions): Promise<LogReader> {
  const { source, log, deleteConsumed = false, readOnly = false, chunkBytes = CHUNK_BYTES } = options
  const delivered = readOnly ? undefined : await loadDelivered({ source, log })
  const report = createDamageReport({ source, log, readOnly, onDamaged: options.onDamaged })
  const missing = new Set<string>()
  const waiters = new Set<() => void>()
  const unsubscribe = source.subscribe(() => {
    if (waiters.size > 0 && target() !== undefined) wake()
  })
  let cursor: Position | undefined
  let opened: OpenSegment | undefined
  let reading: Promise<unknown> = Promise.resolve()
  let committing: Promise<void> = Promise.resolve()
  let isClosed = false

  function wake(): void {
    for (const resolve of waiters) resolve()
    waiters.clear()
  }

  /** Where to read next; undefined at the end. */
  function target(): { segment: SegmentInfo; offset: number } | undefined {
    const from = cursor ?? delivered?.position()
    const sequence = from === undefined ? 0 : (sequenceOf(from.file) ?? 0)
    for (const segment of source.segments()) {
      if (segment.sequence < sequence || missing.has(segment.file)) continue
      const offset = from !== undefined && segment.sequence === sequence ? from.offset : 0
      if (offset < segment.bytes) return { segment, offset }
    }
    return undefined
  }

  async function openFor(segment: SegmentInfo): Promise<OpenSegment | undefined> {
    if (opened?.file === segment.file) return opened
    await opened?.close()
    opened = undefined
    try {
      return (opened = await openSegment({ dir: source.dir, segment, chunkBytes }))
    } catch (error) {
      if (!isNotFound(error)) throw error
      missing.add(segment.file)
      if (source.segments().includes(segment)) log.error({ dir: source.dir, file: segment.file }, 'a segment is gone')
      return undefined
    }
  }

  async function next(): Promise<Batch | undefined> {
    const at = target()
    if (at === undefined || isClosed) return undefined
    const { segment, offset } = at
    const from = await openFor(segment)
    const split = await from?.read(offset)
    if (split?.next === offset && !segment.closed) return undefined
    // A segment that is gone, or ends before its length, has been cut by others: go on behind it.
    const reached = split === undefined || split.next === offset ? segment.bytes : split.next
    cursor = { file: segment.file, offset: reached }
    if (from !== undefined && split !== undefined && split.damaged.length > 0) await report.tell(from, split.damaged)
    return toBatch(cursor, split?.lines ?? [], split?.offsets ?? [])
  }

  async function commit(position: Position): Promise<void> {
    if (delivered === undefined) throw new Error('a read-only reader keeps no position')
    if (cursor === undefined || comparePositions(position, cursor) > 0) throw new RangeError('not read yet')
    await delivered.advance(position)
    await clear()
  }

  async function clear(): Promise<void> {
    if (!deleteConsumed || delivered === undefined) return
    const uncopied = await report.retry()
    const done = delivered.consumed().filter(segment => !uncopied.has(segment.file))
    if (done.length > 0) await source.remove(done)
  }

  await clear().catch((error: unknown) =>
    log.warn({ dir: source.dir, err: error }, 'delivered segments cannot be deleted')
  )

  return {
    next: () => {
      const batch = next()
      reading = batch.catch(() => undefined)
      return batch
    },
    wait: () => (isClosed || target() !== undefined ? Promise.resolve() : new Promise(resolve => waiters.add(resolve))),
    commit(position) {
      const done = committing.then(() => commit(position))
      committing = done.catch(() => undefined)
      return done
    },
    backlogBytes: () => delivered?.backlogBytes() ?? 0,
    async close() {
      isClosed = true
      unsubscribe()
      wake()
      await Promise.all([reading, committing])
      await opened?.close()
      opened = undefined
    }
  }
}

function toBatch(end: Position, lines: readonly Buffer[], offsets: readonly number[]): Batch {
  const { file } = end
  return {
    file,
    lines,
    end,
    position: index => ({ file, offset: offsets[index] ?? end.offset }),
    after: index => ({ file, offset: (offsets[index] ?? end.offset) + (lines[index]?.length ?? 0) })
  }
}
