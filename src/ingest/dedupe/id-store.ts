import type { Clock } from '../../model/clock.ts'
import { HashIdWindow } from './id-window.ts'
import { IdJournal } from './journal.ts'
import type { EachId } from './journal.ts'
import { SeedFolder } from './seed-folder.ts'
import type { Seed } from './seed-folder.ts'

export interface IdStoreOptions {
  /** Folder of the journals; made where it is missing. */
  readonly dir: string
  /** By source. */
  readonly maxIds: number
  readonly windowMs: number
  readonly clock: Clock
  readonly log: { warn(fields: object, message: string): void }
}

export interface IdStore {
  /** The window of a source, or of another stream of ids; names are file names. */
  windowOf(name: string): HashIdWindow
  /** Ids remembered, by name. */
  sizes(): readonly (readonly [name: string, ids: number])[]
  /** Writes what is pending. Safe to call twice. */
  close(): Promise<void>
}

const FLUSH_MS = 100
/** So many flushes are left out after one that has failed. */
const FLUSHES_LEFT_OUT = 9

interface Kept {
  readonly window: HashIdWindow
  readonly journal: IdJournal
}

/**
 * The windows of all sources, kept over restarts. Rejects, naming the file, where what is there cannot be read: only a seed
 * that is missing or no seed costs ids, as the hashes in the journals mean nothing without it. What a disk that fails does
 * not take waits in memory and is written when it can be: a failure costs one warning, and ids only where a restart comes
 * before that; never a request.
 */
export async function openIdStore(options: IdStoreOptions): Promise<IdStore> {
  const folder = new SeedFolder(options)
  const seed = await folder.open()
  const store = new JournaledWindows(options, folder, seed)
  for (const name of new Set(await folder.journalNames())) await store.open(name).ready
  return store
}

class JournaledWindows implements IdStore {
  readonly #options: IdStoreOptions
  readonly #folder: SeedFolder
  readonly #seed: Seed
  readonly #kept = new Map<string, Kept>()
  readonly #timer: NodeJS.Timeout
  #leftOut = 0
  #flushing: Promise<void> = Promise.resolve()

  constructor(options: IdStoreOptions, folder: SeedFolder, seed: Seed) {
    this.#options = options
    this.#folder = folder
    this.#seed = seed
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS).unref()
  }

  /** Handed on by itself. */
  readonly windowOf = (name: string): HashIdWindow => {
    const known = this.#kept.get(name)
    if (known !== undefined) return known.window
    const { window, ready } = this.open(name)
    // There was no journal of this name at the start, so nothing is forgotten.
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

  open(name: string): Kept & { ready: Promise<void> } {
    const { dir, maxIds, windowMs, clock } = this.#options
    const journal = new IdJournal(dir, name, maxIds)
    const onKeep: EachId = (high, low, unixSeconds) => journal.add(high, low, unixSeconds)
    const window = new HashIdWindow({ maxIds, windowMs, clock, seed: this.#seed, onKeep })
    this.#kept.set(name, { window, journal })
    const now = Math.floor(clock.now() / 1000)
    const ready = journal.load((high, low, at) => window.restore(high, low, now - at))
    return { window, journal, ready }
  }

  #flush(): void {
    if (this.#leftOut-- > 0) return
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
    this.#leftOut = failed ? FLUSHES_LEFT_OUT : 0
    if (!failed) this.#folder.recovered()
  }
}
