import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import { HashIdWindow } from './id-window.ts'
import { IdJournal } from './journal.ts'
import type { EachId } from './journal.ts'
import { orNothing } from './or-nothing.ts'

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
const SEED_FILE = 'seed.json'
const JOURNAL_NAME = /^([\w-]+(?:\.rejected)?)(?:\.old)?\.ids$/

interface Kept {
  readonly window: HashIdWindow
  readonly journal: IdJournal
}

/**
 * The windows of all sources, kept over restarts. Rejects, naming the file, where what is there cannot be read: only a seed
 * that is missing or no seed costs ids, as the hashes in the journals mean nothing without it. What a disk that fails does not take waits in memory and is
 * written when it can be: a failure costs one warning, and ids only where a restart comes before that; never a request.
 */
export async function openIdStore(options: IdStoreOptions): Promise<IdStore> {
  const { dir, clock, log } = options
  const kept = new Map<string, Kept>()
  let warned = false
  let leftOut = 0
  let unsaved: readonly [number, number] | undefined
  const seed = await openFolder()
  const names = (await journalFiles()).map(file => JOURNAL_NAME.exec(file)?.[1] as string)
  for (const name of new Set(names)) await open(name).ready

  function warn(error: unknown): void {
    if (warned) return
    warned = true
    log.warn(
      { dir, problem: (error as Error).message },
      'messageIds cannot be kept on disk: a restart now would forget the newest ones'
    )
  }

  async function openFolder(): Promise<readonly [number, number]> {
    try {
      await mkdir(dir, { recursive: true })
    } catch (error) {
      warn(error)
    }
    const known = await readSeed(join(dir, SEED_FILE))
    if (typeof known !== 'string') return known
    const fresh = [randomInt(2 ** 32), randomInt(2 ** 32)] as const
    unsaved = fresh
    const journals = await journalFiles()
    if (known === 'unusable' || journals.length > 0) {
      log.warn(
        { file: join(dir, SEED_FILE), problem: known },
        'the messageIds of before are forgotten: their seed is lost'
      )
    }
    try {
      for (const name of journals) await rm(join(dir, name))
      await saveSeed()
    } catch (error) {
      warn(error)
    }
    return fresh
  }

  /** Without its seed a journal means nothing to the next start. */
  async function saveSeed(): Promise<void> {
    if (unsaved === undefined) return
    await writeFile(join(dir, SEED_FILE), JSON.stringify(unsaved))
    unsaved = undefined
  }

  async function journalFiles(): Promise<string[]> {
    const files = await orNothing(dir, readdir(dir))
    return files?.filter(file => JOURNAL_NAME.test(file)) ?? []
  }

  function open(name: string): Kept & { ready: Promise<void> } {
    const { maxIds, windowMs } = options
    const journal = new IdJournal(dir, name, maxIds)
    const onKeep: EachId = (high, low, unixSeconds) => journal.add(high, low, unixSeconds)
    const window = new HashIdWindow({ maxIds, windowMs, clock, seed, onKeep })
    kept.set(name, { window, journal })
    const now = Math.floor(clock.now() / 1000)
    const ready = journal.load((high, low, at) => window.restore(high, low, now - at))
    return { window, journal, ready }
  }

  async function flushAll(): Promise<void> {
    let failed = false
    const onFailure = (error: unknown): void => {
      failed = true
      warn(error)
    }
    await saveSeed().catch(onFailure)
    for (const { journal } of kept.values()) await journal.flush().catch(onFailure)
    leftOut = failed ? FLUSHES_LEFT_OUT : 0
    // Trouble that comes back after it was over is said again.
    if (!failed) warned = false
  }

  let flushing: Promise<void> = Promise.resolve()
  function flush(): void {
    if (leftOut-- > 0) return
    flushing = flushing.then(flushAll)
  }
  const timer = setInterval(flush, FLUSH_MS).unref()

  return {
    windowOf(name) {
      const known = kept.get(name)
      if (known !== undefined) return known.window
      const { window, ready } = open(name)
      // There was no journal of this name at the start, so nothing is forgotten.
      void ready.catch(warn)
      return window
    },
    sizes: () => [...kept].map(([name, { window }]) => [name, window.size]),
    async close() {
      clearInterval(timer)
      await flushing
      await saveSeed().catch(warn)
      for (const { journal } of kept.values()) await journal.close().catch(warn)
    }
  }
}

async function readSeed(path: string): Promise<readonly [number, number] | 'missing' | 'unusable'> {
  const text = await orNothing(path, readFile(path, 'utf8'))
  if (text === undefined) return 'missing'
  try {
    const [high, low, ...more] = JSON.parse(text) as unknown[]
    return Number.isInteger(high) && Number.isInteger(low) && more.length === 0
      ? [high as number, low as number]
      : 'unusable'
  } catch {
    return 'unusable'
  }
}
