import { fdatasync, writev } from 'node:fs'
import { constants, open, truncate, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../model/clock.ts'
import { ChecksumWriter } from '../segment/checksum-writer.ts'
import { encodeChecksums } from '../segment/checksums.ts'
import type { LogLines, Position } from '../contract.ts'
import { FILE_MODE, ifThere, syncFolder, unlinkIfThere } from '../segment/files.ts'
import type { Group } from './group-queue.ts'
import { checksumsName } from '../segment/segment-name.ts'
import type { Segment, SegmentList } from '../segment/segment-list.ts'

/** A segment's offsets are kept in 32 bits, and one group may go past the limit. */
const MAX_SEGMENT_BYTES = 2 ** 31

const SHORT_WRITE = 'could be written: no space left, or a limit on the size of files'

export interface SegmentWriterOptions {
  readonly dir: string
  readonly list: SegmentList
  readonly clock: Clock
  readonly log: LogLines
  readonly maxSegmentBytes: number
  readonly maxSegmentAgeMs: number
}

interface Active {
  readonly segment: Segment
  readonly handle: FileHandle
  readonly checksums: ChecksumWriter
  /** Monotonic. */
  readonly begun: number
}

/** Writes one segment after the other in an existing folder. */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions
  #settled: Promise<void> = Promise.resolve()
  readonly #uncut: Segment[] = []
  #active: Active | undefined

  constructor(options: SegmentWriterOptions) {
    this.#options = options
  }

  /**
   * Writes a group and fsyncs it. Resolves with the milliseconds of the fsync. Rejects with the file system's error when that failed: then the segment is given up,
   * because a second fsync of the same file proves nothing (Linux forgets the failed pages), and the group is cut off.
   * One call at a time.
   */
  async commit(group: Group): Promise<{ position: Position; milliseconds: number }> {
    const { clock, list } = this.#options
    if (this.isAged() || this.#isFullFor(group)) this.rotate()
    const into = (this.#active ??= await this.#begin())
    const position = { file: into.segment.file, offset: into.segment.bytes }
    try {
      const [milliseconds, checksums] = await Promise.all([
        writeAndSync(into.handle.fd, group, clock),
        encodeChecksums(group, position.offset) // while the disk is busy
      ])
      list.grow(into.segment, group.bytes)
      into.checksums.add(checksums)
      return { position, milliseconds }
    } catch (error) {
      await this.#giveUp(into)
      throw error
    }
  }

  /** No group follows for now: does the work that can wait. */
  onIdle(): void {
    this.#active?.checksums.flush()
  }

  /** The segment for the next group; undefined if it is not begun. */
  get active(): Segment | undefined {
    return this.#active?.segment
  }

  /** Whether the active segment is older than its limit. */
  isAged(): boolean {
    const { clock, maxSegmentAgeMs } = this.#options
    return this.#active !== undefined && clock.monotonic() - this.#active.begun >= maxSegmentAgeMs
  }

  /** Ends the active segment; not while a commit is under way. */
  rotate(): void {
    if (this.#active === undefined) return
    const ended = this.#active
    this.#active = undefined
    ended.segment.closed = true
    const earlier = this.#settled
    this.#settled = closeFiles(ended).then(() => earlier)
  }

  /** Resolves when the files of all ended segments are closed. */
  async settled(): Promise<void> {
    await this.#settled
  }

  /** Cuts off the bytes of a failed commit that could not be cut off then. Rejects with the file system's error. */
  async repair(): Promise<void> {
    for (let segment = this.#uncut[0]; segment !== undefined; segment = this.#uncut[0]) {
      await this.#cut(segment)
      this.#uncut.shift()
    }
  }

  /** Ends the active segment and waits for every file to be closed. Never rejects. */
  async close(): Promise<void> {
    this.rotate()
    await this.settled()
  }

  #isFullFor(group: Group): boolean {
    const limit = Math.min(this.#options.maxSegmentBytes, MAX_SEGMENT_BYTES)
    return this.#active !== undefined && this.#active.segment.bytes + group.bytes > limit
  }

  async #begin(): Promise<Active> {
    const { dir, list, clock, log } = this.#options
    const { file, sequence } = list.nextName(clock.now())
    const path = join(dir, file)
    const handle = await open(
      path,
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL,
      FILE_MODE
    )
    try {
      await syncFolder(dir)
    } catch (error) {
      await handle.close()
      await unlinkIfThere(path).catch(() => undefined)
      throw error
    }
    const segment: Segment = { file, sequence, bytes: 0, closed: false }
    list.add(segment)
    const checksums = new ChecksumWriter({ path: join(dir, checksumsName(file)), log })
    return { segment, handle, checksums, begun: clock.monotonic() }
  }

  async #giveUp(failed: Active): Promise<void> {
    this.#active = undefined
    failed.segment.closed = true
    try {
      await this.#cut(failed.segment)
    } catch {
      this.#uncut.push(failed.segment)
    }
    await closeFiles(failed)
  }

  async #cut(segment: Segment): Promise<void> {
    const { dir, list } = this.#options
    if (segment.bytes > 0) return await ifThere(truncate(join(dir, segment.file), segment.bytes))
    await unlinkIfThere(join(dir, segment.file))
    list.drop(segment)
  }
}

/** Returns the milliseconds of the fsync. Uses callbacks: a promise of a file handle costs more than all else here. */
function writeAndSync(fd: number, group: Group, clock: Clock): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, group.pieces, (error, written) => {
      if (error !== null) return reject(error)
      if (written !== group.bytes) return reject(new Error(`only ${written} of ${group.bytes} bytes ${SHORT_WRITE}`))
      const begun = clock.monotonic()
      fdatasync(fd, error => (error === null ? resolve(clock.monotonic() - begun) : reject(error)))
    })
  })
}

/** The data is durable or given up already, so an error of closing changes nothing. */
async function closeFiles(ended: Active): Promise<void> {
  await ended.checksums.close()
  await ended.handle.close().catch(() => undefined)
}
