import { join } from 'node:path'
import type { Clock } from '../../../model/clock.ts'
import { SinkUnavailable, type SinkHealth } from '../../../model/sink.ts'
import { createAvailability, type Availability } from './availability.ts'
import type { DamagedRange, Lines, LogLines, Position, SegmentLog, Write } from '../contract.ts'
import { createDiskSpace, type DiskSpace } from './disk-space.ts'
import { describeFileError, makeFolder, probeWriting, syncFolder, unlinkIfThere } from '../segment/files.ts'
import { GroupQueue, type Group } from './group-queue.ts'
import { LINE_FEED, MAX_LINE_BYTES } from '../segment/lines.ts'
import { recoverFolder } from './recovery.ts'
import { checksumsName } from '../segment/segment-name.ts'
import { SegmentList } from '../segment/segment-list.ts'
import { SegmentWriter } from './segment-writer.ts'

export interface SegmentLogOptions {
  /** Created if missing. */
  readonly dir: string
  readonly clock: Clock
  readonly log: LogLines
  /** A segment that would grow past this is closed and another begun. */
  readonly maxSegmentBytes?: number
  readonly maxSegmentAgeMs?: number
  /** Above this many bytes of records in the folder, appends are refused. Default: the disk is the limit. */
  readonly maxBytes?: number
  /** Above this many bytes handed in and not durable yet, appends are refused. */
  readonly maxQueueBytes?: number
  /** How often age and disk space are checked. */
  readonly housekeepingMs?: number
  /** Called after each commit. */
  readonly onCommit?: (commit: Write) => void
  /** Called once for bytes that were cut off at the start. */
  readonly onDamaged?: (range: DamagedRange) => void
}

const DEFAULTS = {
  maxSegmentBytes: 128 * 1024 ** 2,
  maxSegmentAgeMs: 60 * 60 * 1000,
  maxBytes: Infinity,
  maxQueueBytes: 64 * 1024 ** 2,
  housekeepingMs: 10_000,
  onCommit: () => undefined,
  onDamaged: () => undefined
}

/** The disk must accept this many bytes before appends are accepted again after a failure. */
const PROBE_BYTES = 64 * 1024

const RETRY_AFTER_SECONDS = 2

/**
 * Opens a folder of segments for writing. Does not reject because of the folder or its disk: the log then reports the
 * problem in health(), refuses appends, and tries again by itself.
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  const log = new FolderLog({ ...DEFAULTS, ...options })
  await log.open()
  return log
}

class FolderLog implements SegmentLog {
  readonly dir: string
  readonly #options: Required<SegmentLogOptions>
  readonly #list = new SegmentList()
  readonly #writer: SegmentWriter
  readonly #availability: Availability
  readonly #space: DiskSpace
  readonly #queue: GroupQueue
  readonly #listeners = new Set<() => void>()
  #housekeeping: NodeJS.Timeout | undefined
  #isRecovered = false
  #isFull = false
  #rotateNext = false
  #closing: Promise<void> | undefined

  constructor(options: Required<SegmentLogOptions>) {
    const { dir, log } = options
    this.dir = dir
    this.#options = options
    this.#writer = new SegmentWriter({ ...options, list: this.#list })
    this.#availability = createAvailability({ dir, probe: () => this.#makeReady(), log })
    this.#space = createDiskSpace({ dir, log })
    this.#queue = new GroupQueue({
      commit: group => this.#commit(group),
      refusal: error => this.#refusal(error),
      onIdle: () => this.#writer.onIdle()
    })
  }

  async open(): Promise<void> {
    await this.#makeReady().catch((error: unknown) => this.#availability.fail(error))
    await this.#space.check()
    this.#housekeeping = setInterval(() => {
      void this.#space.check()
      if (this.#queue.isIdle && this.#writer.isAged()) this.#writer.rotate()
    }, this.#options.housekeepingMs).unref()
  }

  append(lines: Lines): Promise<Position> {
    const bytes = lengthOf(lines)
    if (bytes === undefined) return Promise.reject(new RangeError('append takes whole lines, at least one'))
    const reason = this.#obstacle(bytes)
    if (reason === undefined) return this.#queue.add(lines, bytes)
    return Promise.reject(new SinkUnavailable(reason, { retryAfterSeconds: RETRY_AFTER_SECONDS }))
  }

  async remove(wanted: readonly { readonly file: string; readonly bytes: number }[]): Promise<void> {
    const limits = new Map(wanted.map(({ file, bytes }) => [file, bytes]))
    const segments = this.#list.all.filter(segment => segment.bytes <= (limits.get(segment.file) ?? -1))
    // The active segment can be deleted only while no append is under way. Nothing else runs before rotate().
    const { active } = this.#writer
    if (this.#queue.isIdle && segments.some(segment => segment === active)) this.#writer.rotate()
    const closed = segments.filter(segment => segment.closed)
    if (closed.length === 0) return
    await this.#writer.settled()
    for (const segment of closed) {
      await unlinkIfThere(join(this.dir, segment.file))
      await unlinkIfThere(join(this.dir, checksumsName(segment.file)))
      this.#list.drop(segment)
    }
    this.#isFull = false
    await syncFolder(this.dir)
    this.#notify()
  }

  segments() {
    return this.#list.all
  }

  bytes(): number {
    return this.#list.bytes
  }

  queuedBytes(): number {
    return this.#queue.bytes
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  rotate(): void {
    if (this.#queue.isIdle) this.#writer.rotate()
    else this.#rotateNext = true
  }

  health(): SinkHealth {
    const closed = this.#closing && `${this.dir} is closed`
    const obstacles = [this.#availability.problem(), this.#isFull ? this.#fullProblem() : undefined, closed]
    const fatal = obstacles.filter(problem => problem !== undefined)
    const warning = this.#space.problem()
    return { ready: fatal.length === 0, problems: warning === undefined ? fatal : [...fatal, warning] }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#end())
  }

  async #end(): Promise<void> {
    await this.#queue.drained()
    clearInterval(this.#housekeeping)
    await this.#availability.stop()
    await this.#writer.close()
    this.#notify()
    this.#listeners.clear()
  }

  async #makeReady(): Promise<void> {
    if (!this.#isRecovered) {
      this.#list.load(await recoverFolder(this.#options))
      this.#isRecovered = true
      this.#notify()
    }
    await makeFolder(this.dir)
    await this.#writer.repair()
    await probeWriting(this.dir, PROBE_BYTES)
  }

  async #commit(group: Group): Promise<Position> {
    const { position, milliseconds } = await this.#writer.commit(group)
    if (this.#rotateNext) this.#writer.rotate()
    this.#rotateNext = false
    this.#availability.markWriteSucceeded()
    this.#notify({ bytes: group.bytes, records: group.lengths.length, milliseconds })
    return position
  }

  /** An error of a listener must not make a durable append fail. */
  #notify(committed?: Write): void {
    try {
      if (committed !== undefined) this.#options.onCommit(committed)
      for (const listener of [...this.#listeners]) listener()
    } catch (error) {
      this.#options.log.error({ dir: this.dir, err: error }, 'a listener of the event log failed')
    }
  }

  #refusal(cause: unknown): SinkUnavailable {
    this.#availability.fail(cause)
    const message = `${this.dir} cannot be written: ${describeFileError(cause)}`
    return new SinkUnavailable(message, { retryAfterSeconds: RETRY_AFTER_SECONDS, cause })
  }

  /** Why these bytes are refused, in words; undefined: they are accepted. */
  #obstacle(bytes: number): string | undefined {
    const { dir } = this
    const { maxBytes, maxQueueBytes, log } = this.#options
    if (this.#closing !== undefined) return `${dir} is closed`
    const problem = this.#availability.problem()
    if (problem !== undefined) return problem
    const queued = this.#queue.bytes
    if (queued > 0 && queued + bytes > maxQueueBytes) return `too much is waiting to be written to ${dir}`
    if (this.bytes() + queued + bytes <= maxBytes) return undefined
    if (!this.#isFull) log.error({ dir, bytes: this.bytes(), maxBytes }, `${dir} is full`)
    this.#isFull = true
    return this.#fullProblem()
  }

  #fullProblem(): string {
    const { maxBytes } = this.#options
    return `${this.dir} is full (${this.bytes()} of ${maxBytes} bytes, SPOOL_MAX_BYTES): new records are refused until some are deleted`
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
