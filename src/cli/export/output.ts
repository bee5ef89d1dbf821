import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockDataDir } from '../../durability/data-dir-lock.ts'
import { isNotFound, makeFolder, replaceFile, TEMPORARY, unlinkIfThere } from '../../durability/log/segment/files.ts'
import { CommandFailed } from '../command.ts'
import type { Format } from './formats.ts'
import { encodePart, FILE_ENDS } from './formats.ts'
import type { FilledTable } from './tables.ts'

const STATE_FILE = 'export.json'
const VERSION = 1
const PART = /^part-(\d{8,15})\./
/** The files of an export besides its tables. */
const OWN: ReadonlySet<string> = new Set([STATE_FILE, STATE_FILE + TEMPORARY, 'lock'])

/** The state of an export: all that its next step needs. */
interface ExportState {
  readonly version: number
  /** The options of the export. A later run with other options is refused. */
  readonly asked: Readonly<Record<string, string>>
  /** Names of tables by event. */
  readonly names: Record<string, string>
  /** Where the next step begins, by the name of each input. */
  readonly positions: Record<string, unknown>
  /** The number of finished steps, which is the number of the last file. */
  steps: number
  rows: number
}

export interface OutputOptions {
  readonly dir: string
  readonly format: Format
  readonly asked: Readonly<Record<string, string>>
}

/** Opens the folder of an export and locks it for this process. Rejects with CommandFailed, which names `--out`. */
export async function openOutput(options: OutputOptions): Promise<Output> {
  const { dir, asked } = options
  return named(dir, async () => {
    await makeFolder(dir)
    if ((await readState(dir)) === undefined && (await readdir(dir)).some(name => !OWN.has(name))) {
      throw new CommandFailed(`--out ${dir}: the folder is not empty and holds no export: name another`)
    }
    const lock = await lockDataDir(dir).catch((error: Error & { code?: unknown }) => {
      throw error.code === 'DATA_DIR_IN_USE' ? new CommandFailed(`--out ${dir}: another export writes there`) : error
    })
    try {
      // Read again: another run may have ended in the meantime.
      const known = await readState(dir)
      const different = known === undefined ? [] : differences(known.asked, asked)
      // Nothing was written yet: the next run may have other options.
      const isNew = known === undefined || (known.steps === 0 && different.length > 0)
      if (!isNew && different.length > 0) throw askedOtherwise(dir, different)
      const state = isNew ? { version: VERSION, asked, names: {}, positions: {}, steps: 0, rows: 0 } : known
      await removeUnfinished(dir, state.steps)
      const output = new Output(options, state, lock.release)
      if (isNew) await output.save()
      return output
    } catch (error) {
      await lock.release()
      throw error
    }
  })
}

/** A folder that an export writes to. */
export class Output {
  readonly state: ExportState
  /** Releases the lock. */
  readonly close: () => Promise<void>
  readonly #options: OutputOptions

  constructor(options: OutputOptions, state: ExportState, close: () => Promise<void>) {
    this.#options = options
    this.state = state
    this.close = close
  }

  /**
   * Writes the tables of one step, one file for each, and then records that the step is finished. The next run removes
   * the files of an unfinished step and repeats it. Rejects with CommandFailed.
   *
   * @param positions where the next step begins, for each input of this step
   */
  async write(tables: readonly FilledTable[], positions: Readonly<Record<string, unknown>>): Promise<void> {
    const { dir, format } = this.#options
    const { state } = this
    const file = `part-${String(state.steps + 1).padStart(8, '0')}${FILE_ENDS[format]}`
    await named(dir, async () => {
      for (const { name, part } of tables) {
        await makeFolder(join(dir, name))
        await replaceFile(join(dir, name, file), await encodePart(format, part))
      }
      if (tables.length > 0) state.steps++
      for (const { part } of tables) state.rows += part.lines.length
      Object.assign(state.positions, positions)
      await this.save()
    })
  }

  async save(): Promise<void> {
    await replaceFile(join(this.#options.dir, STATE_FILE), Buffer.from(`${JSON.stringify(this.state)}\n`))
  }
}

/** Adds the name of the option to errors of the file system. */
async function named<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CommandFailed) throw error
    const says = `--out ${dir}: ${(error as Error).message}; the same command goes on from there once that is mended`
    throw new CommandFailed(says, { cause: error })
  }
}

function differences(before: ExportState['asked'], now: ExportState['asked']): string[] {
  const names = Object.keys({ ...before, ...now }).filter(name => before[name] !== now[name])
  return names.map(name => `${name} was ${before[name] ?? 'not given'}`)
}

function askedOtherwise(dir: string, different: readonly string[]): CommandFailed {
  const words = different.join(', ')
  return new CommandFailed(
    `--out ${dir}: the folder holds an export that was asked for in another way (${words}): ask for the same, or name another folder`
  )
}

async function removeUnfinished(dir: string, steps: number): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (!entry.isDirectory() || OWN.has(entry.name)) continue
    for (const file of await readdir(join(dir, entry.name))) {
      const number = PART.exec(file)?.[1]
      const isUnfinished = number !== undefined && (Number(number) > steps || file.endsWith(TEMPORARY))
      if (isUnfinished) await unlinkIfThere(join(dir, entry.name, file))
    }
  }
}

async function readState(dir: string): Promise<ExportState | undefined> {
  const file = join(dir, STATE_FILE)
  try {
    const state = JSON.parse(await readFile(file, 'utf8')) as ExportState
    if (state.version !== VERSION) throw new Error('it is of another version of Tributary')
    return state
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw new CommandFailed(`--out ${dir}: ${STATE_FILE} cannot be read: ${(error as Error).message}`)
  }
}
