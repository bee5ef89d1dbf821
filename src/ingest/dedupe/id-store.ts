import type { Clock } from '../../model/clock.ts'
import { HashIdWindow } from './id-window.ts'
import { ENTRY_BYTES, IdJournal } from './journal.ts'
import type { EachId } from './journal.ts'
import { SeedFolder } from './seed-folder.ts'
import type { Seed } from './seed-folder.ts'
import { readableJournals, restoreJournals } from './shared-journals.ts'

export interface IdStoreOptions {
  /** Folder of the journals; created if it is missing. */
  readonly dir: string
  /** The most ids of each source. */
  readonly maxIds: number
  readonly windowMs: number
  readonly clock: Clock
  readonly log: { warn(fields: object, message: string): void }
  /** The processes with which ids are shared; undefined: none. */
  readonly share?: IdSharing | undefined
}

/** Several processes that know each other's ids. */
export interface IdSharing {
  /** The same seed for all processes, so that their hashes can be compared. */
  readonly seed: Seed
  /** Folders with the journals of the other processes. Their ids are read at the start; nothing is written there. */
  readonly others: readonly string[]
  /** Called for each id that this process remembers. */
  readonly onKept: (name: string, high: number, low: number, unixSeconds: number) => void
}

export interface IdStore {
  /** The window of a source, or of another stream of ids; the name is part of a file name. */
  windowOf(name: string): HashIdWindow
  /** Remembers ids that became durable in another process, in the form of journal entries. They are not journaled here. */
  restore(name: string, entries: Uint8Array): void
  /** The number of remembered ids, by name. */
  sizes(): readonly (readonly [name: string, ids: number])[]
  /** Writes the pending ids. Safe to call twice. */
  close(): Promise<void>
}

const FLUSH_MS = 100
/** The number of flushes that are skipped after a failed flush. */
const FLUSHES_SKIPPED_AFTER_FAILURE = 9

interface Kept {
  readonly window: HashIdWindow
  readonly journal: IdJournal
}

/**
 * Opens the windows of all sources and restores their ids from the journals. Rejects with an error that names the file if
 * a file exists and cannot be read. If the seed is missing or invalid, the ids of the journals are lost, because their
 * hashes depend on the seed. If a write fails later, the ids wait in memory for the next flush: the failure costs one
 * warning, and the ids only if the server restarts before a flush succeeds. No request fails.
 */
export async function openIdStore(options: IdStoreOptions): Promise<IdStore> {
  const folder = new SeedFolder(options)
  const seed = await folder.open()
  const store = new JournaledWindows(options, folder, seed)
  const names = new Set(await folder.journalNames())
  if (options.share === undefined) for (const name of names) await store.open(name).ready
  else await store.openShared(names, options.share)
  return store
}

class JournaledWindows implements IdStore {
  readonly #options: IdStoreOptions
  readonly #folder: SeedFolder
  readonly #seed: Seed
  readonly #kept = new Map<string, Kept>()
  readonly #timer: NodeJS.Timeout
  #flushesToSkip = 0
  #flushing: Promise<void> = Promise.resolve()

  constructor(options: IdStoreOptions, folder: SeedFolder, seed: Seed) {
    this.#options = options
    this.#folder = folder
    this.#seed = seed
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS).unref()
  }

  /** A bound function, because callers pass it on without its object. */
  readonly windowOf = (name: string): HashIdWindow => {
    const known = this.#kept.get(name)
    if (known !== undefined) return known.window
    const { window, ready } = this.open(name)
    // At the start there was no journal of this name, so there is nothing to restore.
    void ready.catch(error => this.#folder.warn(error))
    return window
  }

  sizes(): (readonly [name: string, ids: number])[] {
    return [...this.#kept].map(([name, { window }]) => [name, window.size])
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    const warn = (error: unknown): void => this.#folder.warn(error)
    await this.#flushing
    await this.#folder.saveSeed().catch(warn)
    for (const { journal } of this.#kept.values()) await journal.close().catch(warn)
  }

  /** @param each called for each id of the journal; default: remembers the id */
  open(name: string, each?: EachId): Kept & { ready: Promise<void> } {
    const { dir, maxIds, windowMs, clock, share } = this.#options
    const journal = new IdJournal(dir, name, maxIds)
    const onKeep: EachId = (high, low, unixSeconds) => {
      journal.add(high, low, unixSeconds)
      share?.onKept(name, high, low, unixSeconds)
    }
    const window = new HashIdWindow({ maxIds, windowMs, clock, seed: this.#seed, onKeep })
    this.#kept.set(name, { window, journal })
    const now = Math.floor(clock.now() / 1000)
    const ready = journal.load(each ?? ((high, low, at) => window.restore(high, low, now - at)))
    return { window, journal, ready }
  }

  /** Restores the ids of this process and of the others, in the order of their times. */
  async openShared(own: ReadonlySet<string>, share: IdSharing): Promise<void> {
    const { dir, clock } = this.#options
    const { others, names } = await readableJournals(share)
    for (const name of new Set([...own, ...names])) {
      const { window, ready } = this.open(name, () => undefined)
      await ready
      const now = Math.floor(clock.now() / 1000)
      await restoreJournals([dir, ...others], name, (high, low, at) => window.restore(high, low, now - at))
    }
  }

  readonly restore = (name: string, entries: Uint8Array): void => {
    const window = this.windowOf(name)
    window.forgetOld()
    const now = Math.floor(this.#options.clock.now() / 1000)
    const words = new DataView(entries.buffer, entries.byteOffset, entries.length)
    for (let at = 0; at + ENTRY_BYTES <= entries.length; at += ENTRY_BYTES) {
      window.restore(words.getInt32(at, true), words.getInt32(at + 4, true), now - words.getUint32(at + 8, true))
    }
  }

  #flush(): void {
    if (this.#flushesToSkip-- > 0) return
    this.#flushing = this.#flushing.then(() => this.#flushAll())
  }

  async #flushAll(): Promise<void> {
    let failed = false
    const onFailure = (error: unknown): void => {
      failed = true
      this.#folder.warn(error)
    }
    await this.#folder.saveSeed().catch(onFailure)
    for (const { journal } of this.#kept.values()) await journal.flush().catch(onFailure)
    this.#flushesToSkip = failed ? FLUSHES_SKIPPED_AFTER_FAILURE : 0
    if (!failed) this.#folder.recovered()
  }
}
