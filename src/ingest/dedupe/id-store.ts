import type { Clock } from '../../model/clock.ts'
import { HashIdWindow } from './id-window.ts'
import { ENTRY_BYTES, IdJournal } from './journal.ts'
import type { EachId } from './journal.ts'
import { SeedFolder } from './seed-folder.ts'
import type { Seed } from './seed-folder.ts'
import { readableJournals, restoreJournals } from './shared-journals.ts'

export interface IdStoreOptions {
  /** Folder of the journals; made where it is missing. */
  readonly dir: string
  /** By source. */
  readonly maxIds: number
  readonly windowMs: number
  readonly clock: Clock
  readonly log: { warn(fields: object, message: string): void }
  /** With whom ids are shared; undefined: with nobody. */
  readonly share?: IdSharing | undefined
}

/** Several processes that know each other's ids. */
export interface IdSharing {
  /** The same for all of them: else their hashes mean nothing to each other. */
  readonly seed: Seed
  /** Folders of the journals of the others. Their ids are read at the start, and nothing is written there. */
  readonly others: readonly string[]
  /** Told of each id that is remembered here. */
  readonly onKept: (name: string, high: number, low: number, unixSeconds: number) => void
}

export interface IdStore {
  /** The window of a source, or of another stream of ids; names are file names. */
  windowOf(name: string): HashIdWindow
  /** Remembers ids that became durable elsewhere: entries as a journal has them. They are not written to this one's journal. */
  restore(name: string, entries: Uint8Array): void
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

  /** @param each told of the ids of its journal; default: they are remembered */
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

  /** Own ids and those of the others, in the order of their times. */
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
