import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../model/clock.ts'
import { HashIdWindow } from './id-window.ts'
import { IdJournal } from './journal.ts'
import type { EachId } from './journal.ts'

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
const SEED_FILE = 'seed.json'
const JOURNAL_NAME = /^([\w-]+(?:\.rejected)?)(?:\.old)?\.ids$/

interface Kept {
  readonly window: HashIdWindow
  readonly journal: IdJournal
}

/**
 * The windows of all sources, kept over restarts. A disk that fails costs the memory of ids over the next restart and
 * one warning, never a request.
 */
export async function openIdStore(options: IdStoreOptions): Promise<IdStore> {
  const { dir, clock, log } = options
  const kept = new Map<string, Kept>()
  let warned = false
  const seed = await openFolder()
  for (const name of await journalNames()) await open(name).ready

  function warn(error: unknown): void {
    if (warned) return
    warned = true
    log.warn(
      { dir, problem: (error as Error).message },
      'messageIds cannot be kept on disk: after a restart they are forgotten'
    )
  }

  async function openFolder(): Promise<readonly [number, number]> {
    try {
      await mkdir(dir, { recursive: true })
      const known = JSON.parse(await readFile(join(dir, SEED_FILE), 'utf8')) as [number, number]
      if (known.length === 2 && known.every(Number.isInteger)) return known
    } catch {
      // Missing at the first start; unreadable means that the hashes in the journals mean nothing any more.
    }
    const fresh = [randomInt(2 ** 32), randomInt(2 ** 32)] as const
    try {
      for (const name of await readdir(dir)) if (JOURNAL_NAME.test(name)) await rm(join(dir, name))
      await writeFile(join(dir, SEED_FILE), JSON.stringify(fresh))
    } catch (error) {
      warn(error)
    }
    return fresh
  }

  async function journalNames(): Promise<Set<string>> {
    const files = await readdir(dir).catch(() => [])
    return new Set(files.flatMap(file => JOURNAL_NAME.exec(file)?.[1] ?? []))
  }

  function open(name: string): Kept & { ready: Promise<void> } {
    const { maxIds, windowMs } = options
    const journal = new IdJournal(dir, name, maxIds)
    const onKeep: EachId = (high, low, unixSeconds) => journal.add(high, low, unixSeconds)
    const window = new HashIdWindow({ maxIds, windowMs, clock, seed, onKeep })
    kept.set(name, { window, journal })
    const now = Math.floor(clock.now() / 1000)
    const ready = journal.load((high, low, at) => window.restore(high, low, now - at)).catch(warn)
    return { window, journal, ready }
  }

  async function flushAll(): Promise<void> {
    for (const { journal } of kept.values()) await journal.flush().catch(warn)
  }

  let flushing: Promise<void> = Promise.resolve()
  function flush(): void {
    flushing = flushing.then(flushAll)
  }
  const timer = setInterval(flush, FLUSH_MS).unref()

  return {
    windowOf: name => (kept.get(name) ?? open(name)).window,
    sizes: () => [...kept].map(([name, { window }]) => [name, window.size]),
    async close() {
      clearInterval(timer)
      await flushing
      for (const { journal } of kept.values()) await journal.close().catch(warn)
    }
  }
}
