import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { lockDataDir, type DataDirLock } from '../data-dir-lock.ts'
import type { RetentionPolicy } from '../log/retention.ts'
import { makeFolder, replaceFile, TEMPORARY, unlinkIfThere } from '../log/segment/files.ts'
import {
  archiveName,
  findArchiveSegments,
  readArchiveState,
  STATE_FILE,
  VERSION,
  type ArchiveSegment,
  type ArchiveState
} from './segments.ts'

/** What is written as one segment. */
export interface ArchivePiece {
  readonly bytes: Uint8Array
  /** Milliseconds since the epoch: of its youngest record. */
  readonly latest: number
  readonly positions: ArchiveState['positions']
}

/** Another live process has the archive. */
export class ArchiveInUse extends Error {
  override readonly name = 'ArchiveInUse'
}

/**
 * Opens an archive for this process alone, and removes what a crash has left. Rejects with the file system's error, or in words where
 * another process has it (ArchiveInUse) or it cannot be one.
 */
export async function openArchiveFolder(dir: string): Promise<ArchiveFolder> {
  await makeFolder(dir)
  const lock = await lockDataDir(dir).catch((error: Error & { code?: unknown }) => {
    if (error.code !== 'DATA_DIR_IN_USE') throw error
    throw new ArchiveInUse(`another process writes to ${dir}`)
  })
  try {
    const found = await findArchiveSegments(dir)
    const known = await readArchiveState(dir)
    if (known === undefined && found.length > 0) throw new Error(`${dir} holds segments without their ${STATE_FILE}`)
    const state = known ?? { version: VERSION, id: randomUUID(), sequence: 0, positions: {} }
    if (known === undefined) await writeState(dir, state)
    for (const name of await readdir(dir)) if (name.endsWith(TEMPORARY)) await unlinkIfThere(join(dir, name))
    // Their records are still in Kafka, and are read again.
    const uncommitted = found.filter(({ sequence }) => sequence > state.sequence)
    if (uncommitted.length > 1) throw new Error(`${dir} holds newer segments than its ${STATE_FILE} names`)
    for (const { file } of uncommitted) await unlinkIfThere(join(dir, file))
    return new ArchiveFolder(dir, lock, { state, segments: found.slice(0, found.length - uncommitted.length) })
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** The folder of an archive: segments, and a file that says which records they hold. */
export class ArchiveFolder {
  readonly #dir: string
  readonly #lock: DataDirLock
  #state: ArchiveState
  #segments: readonly ArchiveSegment[]
  /** Of a commit that failed later: it need not be written again, for which a full disk may have no room. */
  #written: string | undefined

  constructor(dir: string, lock: DataDirLock, found: { state: ArchiveState; segments: readonly ArchiveSegment[] }) {
    this.#dir = dir
    this.#lock = lock
    this.#state = found.state
    this.#segments = found.segments
  }

  get positions(): ArchiveState['positions'] {
    return this.#state.positions
  }

  bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /**
   * Makes the piece the next segment. A crash before the last step leaves a segment that the next start removes. Rejects with the file
   * system's error; then the same piece is to be tried again before any other.
   */
  async commit({ bytes, latest, positions }: ArchivePiece): Promise<void> {
    const sequence = this.#state.sequence + 1
    const file = archiveName(latest, sequence)
    if (this.#written !== file) await replaceFile(join(this.#dir, file), bytes)
    this.#written = file
    const state = { ...this.#state, sequence, positions: { ...this.#state.positions, ...positions } }
    await writeState(this.#dir, state)
    this.#state = state
    this.#segments = [...this.#segments, { file, sequence, latest, bytes: bytes.length }]
  }

  /** Deletes the oldest segments that the policy does not keep; returns them. Rejects with the file system's error. */
  async expire({ ageMs = Infinity, bytes = Infinity }: RetentionPolicy, now: number): Promise<ArchiveSegment[]> {
    const deleted: ArchiveSegment[] = []
    for (const segment of this.#segments) {
      if (now - segment.latest <= ageMs && this.bytes() <= bytes) break
      await unlinkIfThere(join(this.#dir, segment.file))
      this.#segments = this.#segments.filter(other => other !== segment)
      deleted.push(segment)
    }
    return deleted
  }

  close(): Promise<void> {
    return this.#lock.release()
  }
}

function writeState(dir: string, state: ArchiveState): Promise<void> {
  return replaceFile(join(dir, STATE_FILE), Buffer.from(`${JSON.stringify(state)}\n`))
}
