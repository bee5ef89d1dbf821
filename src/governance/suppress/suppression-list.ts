import { readFileSync, statSync } from 'node:fs'
import { hash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { watchFile } from '../../keys/store/watch-file.ts'
import type { FileWatch } from '../../keys/store/watch-file.ts'
import type { Observation } from '../../keys/read-file.ts'
import type { Clock } from '../../model/clock.ts'
import { ConfigError } from '../../model/config-error.ts'
import type { SuppressConfig, SuppressedUser, SuppressionStore } from '../../model/governance/suppress.ts'
import { MAX_TRIBUTARY_FILE_BYTES } from '../../model/tributary-file.ts'
import { digestOf, normalEntry, parseEntries, SuppressedIds } from './entries.ts'
import { addToFile, DEFAULT_SUPPRESSION_FILE, removeFromFile } from './suppression-file.ts'

export interface SuppressionListOptions {
  /** CONFIG_FILE. The suppression file is beside it. */
  readonly configFile: string
  /** `suppress:` of the tributary.yml in force; a new object after each edit. */
  readonly current: () => SuppressConfig | undefined
  readonly clock: Clock
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}

/** The users whose events are not kept, from tributary.yml and from the suppression file. */
export interface SuppressionList extends SuppressionStore {
  /** The ids in force now. */
  ids(): SuppressedIds
  close(): Promise<void>
}

/**
 * Creates the list. Entries in tributary.yml take effect with the rest of that file, and entries in the suppression
 * file within 2 s of a change. If the file becomes unreadable or invalid, the list does not change, and the log says
 * so: its users stay suppressed.
 *
 * @throws ConfigError if `suppress.file` names a file that cannot be used at the start
 */
export function createSuppressionList(options: SuppressionListOptions): SuppressionList {
  const list = new FollowedList(options)
  return {
    ids: () => list.ids(),
    list: () => list.entries(),
    add: ids => list.edit(addToFile, ids),
    remove: ids => list.edit(removeFromFile, ids),
    close: () => list.close()
  }
}

class FollowedList {
  readonly #options: SuppressionListOptions
  #config: SuppressConfig | undefined
  #file: string
  #fromFile: FromFile
  #ids: SuppressedIds
  #watch: FileWatch

  constructor(options: SuppressionListOptions) {
    this.#options = options
    this.#config = options.current()
    this.#file = this.#fileOf(this.#config)
    this.#fromFile = readFirst(this.#file, this.#config?.file !== undefined)
    this.#ids = this.#union()
    this.#watch = this.#follow()
  }

  ids(): SuppressedIds {
    this.#refresh()
    return this.#ids
  }

  entries(): SuppressedUser[] {
    this.#refresh()
    const shown = (from: SuppressedUser['from']) => (entry: string) => ({ user: shownEntry(entry), from })
    return [...(this.#config?.users ?? []).map(shown('config')), ...this.#fromFile.entries.map(shown('file'))]
  }

  /** Resolves with the number of added or removed entries when the change is in force. */
  async edit(change: typeof addToFile, ids: readonly string[]): Promise<number> {
    this.#refresh()
    const { changed } = await change(this.#file, ids)
    this.#take(readNow(this.#file))
    return changed
  }

  close(): Promise<void> {
    return this.#watch.close()
  }

  #fileOf(config: SuppressConfig | undefined): string {
    return resolve(dirname(resolve(this.#options.configFile)), config?.file ?? DEFAULT_SUPPRESSION_FILE)
  }

  #union(): SuppressedIds {
    return new SuppressedIds([...(this.#config?.users ?? []), ...this.#fromFile.entries])
  }

  #follow(): FileWatch {
    const { seen } = this.#fromFile
    const { clock } = this.#options
    return watchFile({ file: this.#file, known: seen, onSettled: observation => this.#take(observation), clock })
  }

  /** A file that never existed, or was empty, may be missing. */
  #take({ id, text, problem }: Observation): void {
    if (id === this.#fromFile.seen.id) return
    const { log } = this.#options
    const file = this.#file
    try {
      const mayBeMissing = this.#fromFile.entries.length === 0
      if (text === undefined && !mayBeMissing) throw new ConfigError([problem ?? `${file}: cannot be read`])
      this.#fromFile = { seen: { id }, entries: text === undefined ? [] : parseEntries(text, file) }
      this.#ids = this.#union()
      log.info({ file, users: this.#ids.size }, 'suppression list reloaded')
    } catch (error) {
      log.warn({ file, problem: (error as Error).message }, UNUSABLE)
    }
  }

  /**
   * tributary.yml was edited: its users take effect at once, and a file with another name is read before the next
   * event.
   */
  #refresh(): void {
    const next = this.#options.current()
    if (next === this.#config) return
    this.#config = next
    const file = this.#fileOf(next)
    if (file !== this.#file) this.#changeFile(file, next?.file !== undefined)
    this.#ids = this.#union()
  }

  #changeFile(file: string, isNamed: boolean): void {
    try {
      this.#fromFile = readFirst(file, isNamed)
      void this.#watch.close()
      this.#file = file
      this.#watch = this.#follow()
    } catch (error) {
      this.#options.log.warn({ file, problem: (error as Error).message }, UNUSABLE)
    }
  }
}

const UNUSABLE = 'suppression list not usable; the last good one stays'

function shownEntry(entry: string): string {
  const normal = normalEntry(entry)
  return normal.startsWith('sha256:') ? normal : digestOf(entry)
}

interface FromFile {
  readonly seen: Observation
  readonly entries: readonly string[]
}

/** @param isNamed the file must exist */
function readFirst(file: string, isNamed: boolean): FromFile {
  const seen = readNow(file)
  if (seen.text === undefined && (isNamed || seen.id !== MISSING)) throw new ConfigError([seen.problem ?? file])
  return { seen: { id: seen.id }, entries: seen.text === undefined ? [] : parseEntries(seen.text, file) }
}

/** See observe(). */
const MISSING = '!no such file'

/** As observe(), but synchronous, because no event may pass while the list is being read. */
function readNow(file: string): Observation {
  try {
    const about = statSync(file)
    if (!about.isFile()) return { id: '!not a file', problem: `${file}: not a file` }
    if (about.size > MAX_TRIBUTARY_FILE_BYTES) {
      const why = `larger than ${MAX_TRIBUTARY_FILE_BYTES} bytes`
      return { id: `!${why}`, problem: `${file}: ${why}` }
    }
    const bytes = readFileSync(file)
    return { id: hash('sha256', bytes), text: bytes.toString('utf8') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { id: MISSING, problem: `${file}: no such file` }
    return { id: `!${code}`, problem: `${file}: cannot be read (${code})` }
  }
}
