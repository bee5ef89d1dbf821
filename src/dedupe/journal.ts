import { open, readFile, rename, truncate } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** The halves of an id's hash and the second it was kept in, each a 32-bit little-endian number. */
const ENTRY_BYTES = 12
const FILE_MODE = 0o640
const FIRST_CAPACITY_ENTRIES = 256

export type EachId = (high: number, low: number, unixSeconds: number) => void

/**
 * The ids of one source on disk: fixed entries, appended now and then, in two files that take turns, so that what is
 * too old goes with its file. Best effort by design: what is lost here costs duplicates, never events.
 */
export class IdJournal {
  readonly #current: string
  readonly #previous: string
  readonly #maxEntries: number
  #pending = Buffer.allocUnsafe(FIRST_CAPACITY_ENTRIES * ENTRY_BYTES)
  #pendingBytes = 0
  #entries = 0
  #file: FileHandle | undefined
  #loading: Promise<void> = Promise.resolve()

  constructor(dir: string, name: string, maxEntries: number) {
    this.#current = join(dir, `${name}.ids`)
    this.#previous = join(dir, `${name}.old.ids`)
    this.#maxEntries = maxEntries
  }

  /** Reads both files, oldest first, and opens the newer for appending; a torn entry at its end is cut off. */
  load(restore: EachId): Promise<void> {
    this.#loading = this.#load(restore)
    return this.#loading
  }

  async #load(restore: EachId): Promise<void> {
    await readEntries(this.#previous, restore)
    const entries = await readEntries(this.#current, restore)
    this.#file = await open(this.#current, 'a', FILE_MODE)
    await truncate(this.#current, entries * ENTRY_BYTES)
    this.#entries = entries
  }

  /** Keeps an entry in memory until the next flush. */
  add(high: number, low: number, unixSeconds: number): void {
    if (this.#pendingBytes === this.#pending.length)
      this.#pending = Buffer.concat([this.#pending], this.#pending.length * 2)
    const at = this.#pendingBytes
    this.#pending.writeInt32LE(high, at)
    this.#pending.writeInt32LE(low, at + 4)
    this.#pending.writeUInt32LE(unixSeconds, at + 8)
    this.#pendingBytes += ENTRY_BYTES
  }

  /** Writes what is pending. Rejects with the file system's error; the entries are then given up. */
  async flush(): Promise<void> {
    await this.#loading
    if (this.#pendingBytes === 0 || this.#file === undefined) return
    const bytes = Buffer.from(this.#pending.subarray(0, this.#pendingBytes))
    this.#pendingBytes = 0
    await this.#file.appendFile(bytes)
    this.#entries += bytes.length / ENTRY_BYTES
    if (this.#entries >= this.#maxEntries) await this.#turn()
  }

  async close(): Promise<void> {
    await this.flush()
    await this.#file?.datasync()
    await this.#file?.close()
    this.#file = undefined
  }

  async #turn(): Promise<void> {
    await this.#file?.close()
    await rename(this.#current, this.#previous)
    this.#file = await open(this.#current, 'a', FILE_MODE)
    this.#entries = 0
  }
}

async function readEntries(path: string, restore: EachId): Promise<number> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  const entries = Math.floor(bytes.length / ENTRY_BYTES)
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < entries * ENTRY_BYTES; at += ENTRY_BYTES) {
    restore(words.getInt32(at, true), words.getInt32(at + 4, true), words.getUint32(at + 8, true))
  }
  return entries
}
