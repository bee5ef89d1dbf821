import { readFileSync, statSync } from 'node:fs'
import { hash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { watchFile } from '../../keys/store/watch-file.ts'
import type { FileWatch } from '../../keys/store/watch-file.ts'
import type { Observation } from '../../keys/read-file.ts'
import type { Clock } from '../../model/clock.ts'
import { ConfigError } from '../../model/config-error.ts'
import type { SuppressConfig, SuppressionStore } from '../../model/governance/suppress.ts'
import { MAX_TRIBUTARY_FILE_BYTES } from '../../model/tributary-file.ts'
import { digestOf, normalEntry, parseEntries, SuppressedIds } from './entries.ts'
import { addToFile, DEFAULT_SUPPRESSION_FILE, removeFromFile } from './suppression-file.ts'

export interface SuppressionListOptions {
  /** CONFIG_FILE: the suppression file lies beside it. */
  readonly configFile: string
  /** `suppress:` of the tributary.yml in force; another object after each edit. */
  readonly current: () => SuppressConfig | undefined
  readonly clock: Clock
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}

/** Whose events are not kept: what tributary.yml and the suppression file say together. */
export interface SuppressionList extends SuppressionStore {
  /** The ids in force now. */
  ids(): SuppressedIds
  close(): Promise<void>
}

/**
 * The list in force: tributary.yml's part with the rest of that file, the suppression file's within 2 s of a change. A file
 * that cannot be read or used after it could be changes nothing, and the log says so: the users in it stay suppressed.
 *
 * @throws ConfigError where `suppress.file` names a file that cannot be used at the start
 */
export function createSuppressionList(options: SuppressionListOptions): SuppressionList {
  const { log, clock } = options
  let config = options.current()
  let file = fileOf(config)
  let fromFile = readFirst(file, config?.file !== undefined)
  let ids = union()
  let watch = follow()

  function fileOf(of: SuppressConfig | undefined): string {
    return resolve(dirname(resolve(options.configFile)), of?.file ?? DEFAULT_SUPPRESSION_FILE)
  }

  function union(): SuppressedIds {
    return new SuppressedIds([...(config?.users ?? []), ...fromFile.entries])
  }

  function follow(): FileWatch {
    return watchFile({ file, known: fromFile.seen, onSettled: take, clock })
  }

  function take({ id, text, problem }: Observation): void {
    if (id === fromFile.seen.id) return
    try {
      const isGone = text === undefined && fromFile.entries.length === 0
      if (text === undefined && !isGone) throw new ConfigError([problem ?? `${file}: cannot be read`])
      fromFile = { seen: { id }, entries: text === undefined ? [] : parseEntries(text, file) }
      ids = union()
      log.info({ file, users: ids.size }, 'suppression list reloaded')
    } catch (error) {
      log.warn({ file, problem: (error as Error).message }, 'suppression list not usable; the last good one stays')
    }
  }

  /** tributary.yml was edited: its users count at once, and a file of another name is read before the next event. */
  function refresh(): void {
    const next = options.current()
    if (next === config) return
    config = next
    const named = fileOf(next)
    if (named !== file) {
      try {
        fromFile = readFirst(named, next?.file !== undefined)
        void watch.close()
        file = named
        watch = follow()
      } catch (error) {
        log.warn(
          { file: named, problem: (error as Error).message },
          'suppression list not usable; the last good one stays'
        )
      }
    }
    ids = union()
  }

  async function edit(change: typeof addToFile, given: readonly string[]): Promise<number> {
    refresh()
    const { changed } = await change(file, given)
    take(readNow(file))
    return changed
  }

  return {
    ids() {
      refresh()
      return ids
    },
    list() {
      refresh()
      const shown = (from: 'config' | 'file') => (entry: string) => ({
        user: normalEntry(entry).startsWith('sha256:') ? normalEntry(entry) : digestOf(entry),
        from
      })
      return [...(config?.users ?? []).map(shown('config')), ...fromFile.entries.map(shown('file'))]
    },
    add: given => edit(addToFile, given),
    remove: given => edit(removeFromFile, given),
    close: () => watch.close()
  }
}

interface FromFile {
  readonly seen: Observation
  readonly entries: readonly string[]
}

/** @param isNamed the file must be there */
function readFirst(file: string, isNamed: boolean): FromFile {
  const seen = readNow(file)
  if (seen.text === undefined && (isNamed || seen.id !== MISSING)) throw new ConfigError([seen.problem ?? file])
  return { seen: { id: seen.id }, entries: seen.text === undefined ? [] : parseEntries(seen.text, file) }
}

/** As observe() has it. */
const MISSING = '!no such file'

/** observe(), at once: an event must not pass while the list is being read. */
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
