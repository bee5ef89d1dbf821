import { openEntryFile, type EntryFile } from '../../../disk/entry-file.ts'
import type { LogLines } from '../contract.ts'
import { ENTRY_BYTES } from './checksums.ts'
import { FILE_MODE, describeFileError } from './files.ts'

/** Entries wait at most this long while the log is busy, so that not every group costs another write... */
const MAX_WAIT_MS = 100
/** ...and at most this many bytes of them wait. */
const MAX_WAITING_BYTES = 64 * 1024

/**
 * Writes a segment's checksum file. Entries that a full disk does not accept are left out, with one warning: the log is
 * as durable without them, and later entries are where a reader looks for them. A crash can lose the newest entries. A
 * line without an entry is judged by its content.
 */
export class ChecksumWriter {
  readonly #path: string
  readonly #log: LogLines
  #file: EntryFile | undefined
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #timer: NodeJS.Timeout | undefined
  #isWarned = false
  #writing: Promise<void> | undefined

  constructor({ path, log }: { path: string; log: LogLines }) {
    this.#path = path
    this.#log = log
  }

  /** Adds entries. They are written soon; no append waits for them. */
  add(entries: Buffer): void {
    this.#waiting.push(entries)
    this.#waitingBytes += entries.length
    if (this.#waitingBytes >= MAX_WAITING_BYTES) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), MAX_WAIT_MS).unref()
  }

  /** Writes waiting entries at once, because no more come for now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.length > 0) this.#writing ??= this.#writeAll()
  }

  /** Writes and fsyncs the remaining entries and closes the file. Never rejects. */
  async close(): Promise<void> {
    this.flush()
    await this.#writing
    // A power loss may take entries away that cannot be synced; the segment is readable without them.
    await this.#file?.sync().catch(() => undefined)
    await this.#file?.close().catch(() => undefined)
  }

  async #writeAll(): Promise<void> {
    try {
      this.#file ??= await openEntryFile({ path: this.#path, entryBytes: ENTRY_BYTES, mode: FILE_MODE, isNew: true })
      while (this.#waiting.length > 0) this.#warn((await this.#file.append(this.#takeWaiting())).error)
    } catch (error) {
      this.#takeWaiting()
      this.#warn(error)
    }
    this.#writing = undefined
  }

  #warn(error: unknown): void {
    if (error === undefined || this.#isWarned) return
    this.#isWarned = true
    this.#log.warn({ file: this.#path, problem: describeFileError(error) }, 'checksums of a segment cannot be written')
  }

  #takeWaiting(): Buffer {
    const entries = Buffer.concat(this.#waiting, this.#waitingBytes)
    this.#waiting = []
    this.#waitingBytes = 0
    return entries
  }
}
