import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { orNothing } from './or-nothing.ts'

/** What the hashes of ids are made with. */
export type Seed = readonly [number, number]

const SEED_FILE = 'seed.json'
const JOURNAL_NAME = /^([\w-]+(?:\.rejected)?)(?:\.old)?\.ids$/

/** The folder of the journals, and the seed without which they mean nothing. */
export class SeedFolder {
  readonly #dir: string
  readonly #log: { warn(fields: object, message: string): void }
  readonly #shared: Seed | undefined
  #isWarned = false
  #unsaved: Seed | undefined

  /** @param options.share of several processes that hash with one seed */
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

  /** The shared seed, else the seed of before, else a new one. Rejects, naming the file, where what is there cannot be read. */
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
      const problem = typeof known === 'string' ? known : 'another seed is shared now'
      this.#log.warn({ file, problem }, 'the messageIds of before are forgotten: their seed is lost')
    }
    try {
      for (const name of journals) await rm(join(this.#dir, name))
      await this.saveSeed()
    } catch (error) {
      this.warn(error)
    }
    return fresh
  }

  /** Does nothing where the seed is saved. Without its seed a journal means nothing to the next start. */
  async saveSeed(): Promise<void> {
    if (this.#unsaved === undefined) return
    await writeFile(join(this.#dir, SEED_FILE), JSON.stringify(this.#unsaved))
    this.#unsaved = undefined
  }

  async journalNames(): Promise<string[]> {
    return namesOf(await this.#journalFiles())
  }

  /** Once, until recovered() is called. */
  warn(error: unknown): void {
    if (this.#isWarned) return
    this.#isWarned = true
    this.#log.warn(
      { dir: this.#dir, problem: (error as Error).message },
      'messageIds cannot be kept on disk: a restart now would forget the newest ones'
    )
  }

  /** Trouble that comes back after it was over is said again. */
  recovered(): void {
    this.#isWarned = false
  }

  async #journalFiles(): Promise<string[]> {
    return journalFiles(this.#dir)
  }
}

/** The names of the journals in a folder; empty where there is none. */
export async function journalNames(dir: string): Promise<string[]> {
  return namesOf(await journalFiles(dir))
}

async function journalFiles(dir: string): Promise<string[]> {
  const files = await orNothing(dir, readdir(dir))
  return files?.filter(file => JOURNAL_NAME.test(file)) ?? []
}

function namesOf(files: readonly string[]): string[] {
  return files.map(file => JOURNAL_NAME.exec(file)?.[1] as string)
}

export function isSameSeed(seed: Seed, other: Seed): boolean {
  return seed[0] === other[0] && seed[1] === other[1]
}

/** The seed of a folder of journals. Rejects, naming the file, where it cannot be read. */
export function seedOf(dir: string): Promise<Seed | 'missing' | 'unusable'> {
  return readSeed(join(dir, SEED_FILE))
}

async function readSeed(path: string): Promise<Seed | 'missing' | 'unusable'> {
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
