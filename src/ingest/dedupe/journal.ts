import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { openEntryFile } from '../../disk/entry-file.ts'
import type { EntryFile } from '../../disk/entry-file.ts'
import { orNothing } from './or-nothing.ts'

/** The halves of an id's hash and the second it was kept in, each a 32-bit little-endian number. */
export const ENTRY_BYTES = 12
const FILE_MODE = 0o640
const FIRST_CAPACITY_ENTRIES = 256

export type EachId = (high: number, low: number, unixSeconds: number) => void

/**
 * The ids of one source on disk: fixed entries, appended now and then, in two files that take turns, so that what is
 * too old goes with its file. Best effort by design: what is lost here costs duplicates, never events. What the disk
 * does not take waits in memory, at most twice as many entries as a window holds.
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
   * Reads both files, oldest first, and opens the newer for appending where that can be done now; the next flush tells
   * where not. Rejects, naming the file, where one is there and cannot be read.
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
    const stays = isBounded ? this.#pending.subarray(this.#pendingBytes - most) : this.#pending
    const next = isBounded ? this.#pending : Buffer.allocUnsafe(this.#pending.length * 2)
    stays.copy(next)
    this.#pending = next
    this.#pendingBytes = stays.length
  }

  /** Writes what is pending. Rejects with the file system's error; what was not written stays pending. */
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
    if (file.bytes >= this.#maxEntries * ENTRY_BYTES) await this.#turn(file)
  }

  /** Before what was added meanwhile. */
  #putBack(entries: Buffer): void {
    const added = this.#pending.subarray(0, this.#pendingBytes)
    this.#pending = added.length === 0 ? entries : Buffer.concat([entries, added])
    this.#pendingBytes = this.#pending.length
  }

  async close(): Promise<void> {
    await this.flush()
    await this.#file?.sync()
    await this.#file?.close()
    this.#file = undefined
  }

  async #turn(file: EntryFile): Promise<void> {
    this.#file = undefined
    await file.close()
    await rename(this.#current, this.#previous)
  }
}

async function readEntries(path: string, restore: EachId): Promise<void> {
  const bytes = await orNothing(path, readFile(path))
  if (bytes === undefined) return
  const entries = Math.floor(bytes.length / ENTRY_BYTES)
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < entries * ENTRY_BYTES; at += ENTRY_BYTES) {
    restore(words.getInt32(at, true), words.getInt32(at + 4, true), words.getUint32(at + 8, true))
  }
}
