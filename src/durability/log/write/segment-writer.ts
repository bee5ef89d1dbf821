import { fdatasync, writev } from 'node:fs'
import { constants, open, truncate } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../model/clock.ts'
import { createChecksumWriter, encodeChecksums } from '../segment/checksums.ts'
import type { ChecksumWriter } from '../segment/checksums.ts'
import type { LogLines, Position } from '../contract.ts'
import { FILE_MODE, isNotFound, syncFolder, unlinkIfThere } from '../segment/files.ts'
import type { Group } from './group.ts'
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

export interface SegmentWriter {
  /**
   * Writes a group and fsyncs it. Rejects with the file system's error when that failed: then the segment is given up,
   * because a second fsync of the same file proves nothing (Linux forgets the failed pages), and the group is cut off.
   * One call at a time.
   */
  commit(group: Group): Promise<{ position: Position; fsyncMs: number }>
  /** No group follows for now: does what can wait while one does. */
  onIdle(): void
  /** The segment that the next group goes to, if it is begun. */
  active(): Segment | undefined
  /** Whether the active segment is older than its limit. */
  isAged(): boolean
  /** Ends the active segment; not while a commit is under way. */
  rotate(): void
  /** Resolves when the files of all ended segments are closed. */
  settled(): Promise<void>
  /** Cuts off again what could not be cut off when a commit failed. Rejects with the file system's error. */
  repair(): Promise<void>
  /** Ends the active segment and waits for every file to be closed. Never rejects. */
  close(): Promise<void>
}

interface Active {
  readonly segment: Segment
  readonly handle: FileHandle
  readonly checksums: ChecksumWriter
  /** Monotonic. */
  readonly begun: number
}

/** Writes one segment after the other in a folder that is there. */
export function createSegmentWriter(options: SegmentWriterOptions): SegmentWriter {
  const { dir, list, clock, log, maxSegmentAgeMs } = options
  const maxSegmentBytes = Math.min(options.maxSegmentBytes, MAX_SEGMENT_BYTES)
  const closing = new Set<Promise<void>>()
  const uncut: Segment[] = []
  let active: Active | undefined

  async function begin(): Promise<Active> {
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
    const checksums = createChecksumWriter({ path: join(dir, checksumsName(file)), log })
    return { segment, handle, checksums, begun: clock.monotonic() }
  }

  function isAged(): boolean {
    return active !== undefined && clock.monotonic() - active.begun >= maxSegmentAgeMs
  }

  function rotate(): void {
    if (active === undefined) return
    const ended = active
    active = undefined
    ended.segment.closed = true
    const done = closeFiles(ended).finally(() => closing.delete(done))
    closing.add(done)
  }

  async function giveUp(failed: Active): Promise<void> {
    active = undefined
    failed.segment.closed = true
    try {
      await cut(failed.segment)
    } catch {
      uncut.push(failed.segment)
    }
    await closeFiles(failed)
  }

  async function cut(segment: Segment): Promise<void> {
    if (segment.bytes > 0) return await truncateIfThere(join(dir, segment.file), segment.bytes)
    await unlinkIfThere(join(dir, segment.file))
    list.drop(segment)
  }

  return {
    onIdle: () => active?.checksums.flush(),
    active: () => active?.segment,
    isAged,
    rotate,
    async commit(group) {
      if (active !== undefined && (isAged() || active.segment.bytes + group.bytes > maxSegmentBytes)) rotate()
      const into = (active ??= await begin())
      const position = { file: into.segment.file, offset: into.segment.bytes }
      try {
        const [fsyncMs, checksums] = await Promise.all([
          writeAndSync(into.handle.fd, group, clock),
          encodeChecksums(group, position.offset) // while the disk is busy
        ])
        list.grow(into.segment, group.bytes)
        into.checksums.add(checksums)
        return { position, fsyncMs }
      } catch (error) {
        await giveUp(into)
        throw error
      }
    },
    async repair() {
      for (let segment = uncut[0]; segment !== undefined; segment = uncut[0]) {
        await cut(segment)
        uncut.shift()
      }
    },
    async settled() {
      await Promise.all(closing)
    },
    async close() {
      rotate()
      await Promise.all(closing)
    }
  }
}

/** With callbacks, since each promise of a file handle costs more than all else here; the milliseconds of the fsync. */
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

async function truncateIfThere(path: string, bytes: number): Promise<void> {
  try {
    await truncate(path, bytes)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

/** The data is durable already, or given up: what closing says changes nothing. */
async function closeFiles(ended: Active): Promise<void> {
  await ended.checksums.close()
  await ended.handle.close().catch(() => undefined)
}
