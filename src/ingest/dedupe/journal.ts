import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { openEntryFile } from '../../disk/entry-file.ts'
import type { EntryFile } from '../../disk/entry-file.ts'
import { undefinedIfMissing } from './undefined-if-missing.ts'

/** An entry: the two halves of an id's hash and the Unix second in which it was kept, as 32-bit little-endian numbers. */
export const ENTRY_BYTES = 12
const FILE_MODE = 0o640
const FIRST_CAPACITY_ENTRIES = 256

export type EachId = (high: number, low: number, unixSeconds: number) => void

/**
 * The ids of one source on disk: entries of fixed size, appended at each flush. There are two files; when the current file
 * is full, it replaces the previous file, whose ids are then too old. Best effort by design: a lost entry can cause a
 * duplicate, never the loss of an event. Entries that cannot be written wait in memory, at most twice as many as a window
 * holds.
 */
export class IdJournal {
  readonly #current: string
  readonly #previous: string
  readonly #maxEntries: number
  #pending: Buffer = Buffer.allocUnsafe(FIRST_CAPACITY_ENTRIES * ENTRY_BYTES)
  #pendingBytes = 0
  #file: EntryFile | undefined
  #loading: Promise<void> = Promise.resolve()

  constructor(dir: string, name: string, maxEntries: number) {
    this.#current = join(dir, `${name}.ids`)
    this.#previous = join(dir, `${name}.old.ids`)
    this.#maxEntries = maxEntries
  }

  /**
   * Reads both files, the older file first, and opens the newer file for appending; if opening fails, the next flush tries
   * again and reports the error. Rejects with an error that names the file if a file exists and cannot be read.
   */
  load(restore: EachId): Promise<void> {
    const loading = this.#load(restore)
    this.#loading = loading.catch(() => undefined)
    return loading
  }

  async #load(restore: EachId): Promise<void> {
    await readEntries(this.#previous, restore)
    await readEntries(this.#current, restore)
    await this.#open().catch(() => undefined)
  }

  async #open(): Promise<EntryFile> {
    return (this.#file ??= await openEntryFile({ path: this.#current, entryBytes: ENTRY_BYTES, mode: FILE_MODE }))
  }

  /** Keeps an entry in memory until the next flush. */
  add(high: number, low: number, unixSeconds: number): void {
    if (this.#pendingBytes === this.#pending.length) this.#makeRoom()
    const at = this.#pendingBytes
    this.#pending.writeInt32LE(high, at)
    this.#pending.writeInt32LE(low, at + 4)
    this.#pending.writeUInt32LE(unixSeconds, at + 8)
    this.#pendingBytes += ENTRY_BYTES
  }

  #makeRoom(): void {
    const most = this.#maxEntries * ENTRY_BYTES
    const isBounded = this.#pending.length >= 2 * most
    const remaining = isBounded ? this.#pending.subarray(this.#pendingBytes - most) : this.#pending
    const next = isBounded ? this.#pending : Buffer.allocUnsafe(this.#pending.length * 2)
    remaining.copy(next)
    this.#pending = next
    this.#pendingBytes = remaining.length
  }

  /** Writes the pending entries. Rejects with the file system's error; entries that were not written stay pending. */
  async flush(): Promise<void> {
    await this.#loading
    if (this.#pendingBytes === 0) return
    const file = await this.#open()
    const entries = this.#pending.subarray(0, this.#pendingBytes)
    this.#pending = Buffer.allocUnsafe(FIRST_CAPACITY_ENTRIES * ENTRY_BYTES)
    this.#pendingBytes = 0
    const { kept, error } = await file.append(entries)
    if (kept < entries.length) this.#putBack(entries.subarray(kept))
    if (error !== undefined) throw error
    if (file.bytes >= this.#maxEntries * ENTRY_BYTES) await this.#rotate(file)
  }

  /** Puts entries back, before the entries that were added in the meantime. */
  #putBack(entries: Buffer): void {
    const added = this.#pending.subarray(0, this.#pendingBytes)
    this.#pending = added.length === 0 ? entries : Buffer.concat([entries, added])
    this.#pendingBytes = this.#pending.length
  }

  /** Flushes, syncs and closes the file. */
  async close(): Promise<void> {
    await this.flush()
    await this.#file?.sync()
    await this.#file?.close()
    this.#file = undefined
  }

  async #rotate(file: EntryFile): Promise<void> {
    this.#file = undefined
    await file.close()
    await rename(this.#current, this.#previous)
  }
}

async function readEntries(path: string, restore: EachId): Promise<void> {
  const bytes = await undefinedIfMissing(path, readFile(path))
  if (bytes === undefined) return
  const entries = Math.floor(bytes.length / ENTRY_BYTES)
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < entries * ENTRY_BYTES; at += ENTRY_BYTES) {
    restore(words.getInt32(at, true), words.getInt32(at + 4, true), words.getUint32(at + 8, true))
  }
}
