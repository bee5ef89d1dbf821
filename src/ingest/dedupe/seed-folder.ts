import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { undefinedIfMissing } from './undefined-if-missing.ts'

/** The seed of the hashes of ids. */
export type Seed = readonly [number, number]

const SEED_FILE = 'seed.json'
const JOURNAL_NAME = /^([\w-]+(?:\.rejected)?)(?:\.old)?\.ids$/

/** The folder of the journals and of their seed. Without the seed, the hashes in the journals are useless. */
export class SeedFolder {
  readonly #dir: string
  readonly #log: { warn(fields: object, message: string): void }
  readonly #shared: Seed | undefined
  #isWarned = false
  #unsaved: Seed | undefined

  /** @param options.share set if several processes use one seed */
  constructor({
    dir,
    log,
    share
  }: {
    readonly dir: string
    readonly log: { warn(fields: object, message: string): void }
    readonly share?: { readonly seed: Seed } | undefined
  }) {
    this.#dir = dir
    this.#shared = share?.seed
    this.#log = log
  }

  /**
   * Returns the shared seed, otherwise the seed on disk, otherwise a new seed. Deletes journals of another seed. Rejects
   * with an error that names the file if the seed's file exists and cannot be read.
   */
  async open(): Promise<Seed> {
    try {
      await mkdir(this.#dir, { recursive: true })
    } catch (error) {
      this.warn(error)
    }
    const file = join(this.#dir, SEED_FILE)
    const known = await readSeed(file)
    if (typeof known !== 'string' && (this.#shared === undefined || isSameSeed(known, this.#shared))) return known
    const fresh = this.#shared ?? ([randomInt(2 ** 32), randomInt(2 ** 32)] as const)
    this.#unsaved = fresh
    const journals = await this.#journalFiles()
    if (known === 'unusable' || journals.length > 0) {
      const problem = typeof known === 'string' ? known : 'the processes share another seed now'
      this.#log.warn({ file, problem }, 'the messageIds of earlier runs are forgotten, because their seed is lost')
    }
    try {
      for (const name of journals) await rm(join(this.#dir, name))
      await this.saveSeed()
    } catch (error) {
      this.warn(error)
    }
    return fresh
  }

  /** Writes the seed to disk, unless it is saved already. */
  async saveSeed(): Promise<void> {
    if (this.#unsaved === undefined) return
    await writeFile(join(this.#dir, SEED_FILE), JSON.stringify(this.#unsaved))
    this.#unsaved = undefined
  }

  /** The names of the journals in the folder. */
  async journalNames(): Promise<string[]> {
    return namesOf(await this.#journalFiles())
  }

  /** Logs a warning; further calls log nothing until recovered() is called. */
  warn(error: unknown): void {
    if (this.#isWarned) return
    this.#isWarned = true
    this.#log.warn(
      { dir: this.#dir, problem: (error as Error).message },
      'messageIds cannot be written to disk: a restart now would forget the newest ones'
    )
  }

  /** The disk works again: the next error is logged. */
  recovered(): void {
    this.#isWarned = false
  }

  async #journalFiles(): Promise<string[]> {
    return journalFiles(this.#dir)
  }
}

/** The names of the journals in a folder; empty if the folder does not exist. */
export async function journalNames(dir: string): Promise<string[]> {
  return namesOf(await journalFiles(dir))
}

async function journalFiles(dir: string): Promise<string[]> {
  const files = await undefinedIfMissing(dir, readdir(dir))
  return files?.filter(file => JOURNAL_NAME.test(file)) ?? []
}

function namesOf(files: readonly string[]): string[] {
  return files.map(file => JOURNAL_NAME.exec(file)?.[1] as string)
}

/** Whether two seeds are equal, so that hashes made with them can be compared. */
export function isSameSeed(seed: Seed, other: Seed): boolean {
  return seed[0] === other[0] && seed[1] === other[1]
}

/** Reads the seed of a folder of journals. Rejects with an error that names the file if it exists and cannot be read. */
export function seedOf(dir: string): Promise<Seed | 'missing' | 'unusable'> {
  return readSeed(join(dir, SEED_FILE))
}

async function readSeed(path: string): Promise<Seed | 'missing' | 'unusable'> {
  const text = await undefinedIfMissing(path, readFile(path, 'utf8'))
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
