import { join } from 'node:path'
import type { Clock } from '../../../model/clock.ts'
import { SinkUnavailable } from '../../../model/sink.ts'
import { createAvailability } from './availability.ts'
import type { DamagedRange, Lines, LogLines, Position, SegmentLog } from '../contract.ts'
import { createDiskSpace } from './disk-space.ts'
import { inWords, makeFolder, probeWriting, syncFolder, unlinkIfThere } from '../segment/files.ts'
import type { Group } from './group.ts'
import { createGroupQueue } from './group-queue.ts'
import { LINE_FEED, MAX_LINE_BYTES } from '../segment/lines.ts'
import { recoverFolder } from './recovery.ts'
import { checksumsName } from '../segment/segment-name.ts'
import { createSegmentList } from '../segment/segment-list.ts'
import { createSegmentWriter } from './segment-writer.ts'

export interface SegmentLogOptions {
  /** Made where it is missing. */
  readonly dir: string
  readonly clock: Clock
  readonly log: LogLines
  /** A segment that would grow past this is closed and another begun. */
  readonly maxSegmentBytes?: number | undefined
  readonly maxSegmentAgeMs?: number | undefined
  /** Above this many bytes of records in the folder, appends are refused; undefined: the disk is the limit. */
  readonly maxBytes?: number | undefined
  /** Above this many bytes handed in and not durable yet, appends are refused. */
  readonly maxQueueBytes?: number | undefined
  /** How often age and disk space are looked at. */
  readonly housekeepingMs?: number | undefined
  /** Told after each commit. */
  readonly onCommit?: ((commit: { bytes: number; records: number; fsyncMs: number }) => void) | undefined
  /** Told once of bytes that were cut off at the start. */
  readonly onDamaged?: ((range: DamagedRange) => void) | undefined
}

const DEFAULTS = {
  maxSegmentBytes: 128 * 1024 ** 2,
  maxSegmentAgeMs: 60 * 60 * 1000,
  maxQueueBytes: 64 * 1024 ** 2,
  housekeepingMs: 10_000
}

/** What must fit before appends are let in again after a failure. */
const PROBE_BYTES = 64 * 1024

const RETRY_AFTER_SECONDS = 2

/**
 * Opens a folder of segments for writing. Never rejects for what the folder or its disk is like: then the log says so
 * in health(), refuses appends, and goes on trying by itself.
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  const { dir, clock, log, maxBytes, onCommit } = options
  const { maxQueueBytes = DEFAULTS.maxQueueBytes, housekeepingMs = DEFAULTS.housekeepingMs } = options
  const { maxSegmentBytes = DEFAULTS.maxSegmentBytes, maxSegmentAgeMs = DEFAULTS.maxSegmentAgeMs } = options
  const list = createSegmentList()
  const writer = createSegmentWriter({ dir, list, clock, log, maxSegmentBytes, maxSegmentAgeMs })
  const availability = createAvailability({ dir, probe: makeReady, log })
  const space = createDiskSpace({ dir, log })
  const queue = createGroupQueue({ commit, refusal, onIdle: () => writer.onIdle() })
  const listeners = new Set<() => void>()
  let isRecovered = false
  let isFull = false
  let rotateNext = false
  let closing: Promise<void> | undefined

  async function makeReady(): Promise<void> {
    if (!isRecovered) {
      const found = await recoverFolder({ dir, log, onDamaged: range => options.onDamaged?.(range) })
      list.load(found.segments, found.sequence)
      isRecovered = true
      tell()
    }
    await makeFolder(dir)
    await writer.repair()
    await probeWriting(dir, PROBE_BYTES)
  }

  async function commit(group: Group): Promise<Position> {
    const { position, fsyncMs } = await writer.commit(group)
    if (rotateNext) writer.rotate()
    rotateNext = false
    availability.markWriteSucceeded()
    tell({ bytes: group.bytes, records: group.lengths.length, fsyncMs })
    return position
  }

  /** A listener's own fault must not turn what is durable into a failure. */
  function tell(committed?: { bytes: number; records: number; fsyncMs: number }): void {
    try {
      if (committed !== undefined) onCommit?.(committed)
      for (const listener of [...listeners]) listener()
    } catch (error) {
      log.error({ dir, err: error }, 'a listener of the event log failed')
    }
  }

  function refusal(error: unknown): SinkUnavailable {
    availability.fail(error)
    return new SinkUnavailable(`${dir} cannot be written: ${inWords(error)}`, {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause: error
    })
  }

  /** Why these bytes are refused, in words; undefined when they may come in. */
  function obstacle(bytes: number): string | undefined {
    if (closing !== undefined) return `${dir} is closed`
    const problem = availability.problem()
    if (problem !== undefined) return problem
    const queued = queue.bytes()
    if (queued > 0 && queued + bytes > maxQueueBytes) return `too much is waiting to be written to ${dir}`
    if (maxBytes === undefined || list.bytes() + queued + bytes <= maxBytes) return undefined
    if (!isFull) log.error({ dir, bytes: list.bytes(), maxBytes }, `${dir} is full`)
    isFull = true
    return fullProblem()
  }

  function fullProblem(): string {
    return `${dir} is full (${list.bytes()} of ${maxBytes} bytes, SPOOL_MAX_BYTES): new records are refused until some are deleted`
  }

  function append(lines: Lines): Promise<Position> {
    const bytes = lengthOf(lines)
    if (bytes === undefined) return Promise.reject(new RangeError('append takes whole lines, at least one'))
    const reason = obstacle(bytes)
    if (reason === undefined) return queue.add(lines, bytes)
    return Promise.reject(new SinkUnavailable(reason, { retryAfterSeconds: RETRY_AFTER_SECONDS }))
  }

  async function remove(wanted: readonly { readonly file: string; readonly bytes: number }[]): Promise<void> {
    const limits = new Map(wanted.map(({ file, bytes }) => [file, bytes]))
    const segments = list.all.filter(segment => segment.bytes <= (limits.get(segment.file) ?? -1))
    // The active one can only go while nothing is on its way into it; from here to rotate() nothing else runs.
    if (queue.isIdle() && segments.some(segment => segment === writer.active())) writer.rotate()
    const closed = segments.filter(segment => segment.closed)
    if (closed.length === 0) return
    await writer.settled()
    for (const segment of closed) {
      await unlinkIfThere(join(dir, segment.file))
      await unlinkIfThere(join(dir, checksumsName(segment.file)))
      list.drop(segment)
    }
    isFull = false
    await syncFolder(dir)
    tell()
  }

  async function close(): Promise<void> {
    await queue.drained()
    clearInterval(housekeeping)
    await availability.stop()
    await writer.close()
    tell()
    listeners.clear()
  }

  try {
    await makeReady()
  } catch (error) {
    availability.fail(error)
  }
  await space.check()
  const housekeeping = setInterval(() => {
    void space.check()
    if (queue.isIdle() && writer.isAged()) writer.rotate()
  }, housekeepingMs).unref()

  return {
    dir,
    append,
    remove,
    segments: () => list.all,
    bytes: list.bytes,
    queuedBytes: queue.bytes,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    rotate() {
      if (queue.isIdle()) writer.rotate()
      else rotateNext = true
    },
    health() {
      const obstacles = [availability.problem(), isFull ? fullProblem() : undefined, closing && `${dir} is closed`]
      const fatal = obstacles.filter(problem => problem !== undefined)
      const warning = space.problem()
      return { ready: fatal.length === 0, problems: warning === undefined ? fatal : [...fatal, warning] }
    },
    close: () => (closing ??= close())
  }
}

/** The bytes of all lines; undefined when there are none, or one is not a whole line. */
function lengthOf({ pieces, lengths }: Lines): number | undefined {
  let bytes = 0
  let line = 0
  for (const piece of pieces) {
    let at = 0
    for (; at < piece.length; line++) {
      const length = lengths[line] ?? 0
      at += length
      if (length === 0 || length > MAX_LINE_BYTES || piece[at - 1] !== LINE_FEED) return undefined
    }
    bytes += at
  }
  return bytes === 0 || line !== lengths.length ? undefined : bytes
}
