import type { Config } from '../../config/env/config.ts'
import { readConfigFileName, readFleetEnvironment } from '../../config/env/environment.ts'
import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { editFile, readTributaryFile } from '../../keys/edit/edit-file.ts'
import type { Edit } from '../../keys/edit/edit-file.ts'
import { auditCommand } from '../audited.ts'
import { readKeyEntry } from '../../keys/key-digest.ts'
import type { Source } from '../../model/source.ts'
import type { KeyedTributaryFile, ParseTributaryFile } from '../../model/tributary-file.ts'
import { CommandFailed } from '../command.ts'
import type { ParsedArguments, Terminal } from '../command.ts'
import type { FleetSession } from '../fleet/fleet-session.ts'

type TextEdit = (text: string, before: KeyedTributaryFile) => Edit

export const FILE_OPTION = { file: { type: 'string' } } as const

export const FILE_HELP =
  '  --file FILE  the config file (default: CONFIG_FILE, else tributary.yml; with FLEET=true the fleet)'

export function fileOf({ texts }: Pick<ParsedArguments, 'texts'>): string {
  return texts['file'] ?? readConfigFileName()
}

/** Reads the keys: those of the fleet if FLEET is true and there is no --file, otherwise those of the file. */
export async function readKeys(parsed: Pick<ParsedArguments, 'texts'>): Promise<KeyedTributaryFile> {
  const config = fleetOf(parsed)
  if (config === undefined) return await readKeysFile(fileOf(parsed))
  // Reading creates no topic.
  const session = await openSession({ ...config, kafka: config.kafka && { ...config.kafka, createTopics: false } })
  try {
    const { current } = session.topic.log
    if (current === undefined) throw new CommandFailed(`the fleet "${session.name}" has no configuration yet`)
    return parseTributaryFile(current.text, `fleet version ${current.version}`)
  } finally {
    await session.close()
  }
}

const fleetOf = ({ texts }: Pick<ParsedArguments, 'texts'>): Config | undefined =>
  texts['file'] === undefined ? readFleetEnvironment() : undefined

/** Opens the fleet. The module is loaded only if there is one, because it needs the Kafka client. */
async function openSession(config: Config): Promise<FleetSession> {
  const { openFleetSession } = await import('../fleet/fleet-session.ts')
  return openFleetSession(config)
}

/** @param parse default: checks the file alone, without the variables */
export async function readKeysFile(
  file: string,
  parse: ParseTributaryFile = parseTributaryFile
): Promise<KeyedTributaryFile> {
  return (await readTributaryFile(file, parse)).before
}

/**
 * Edits the fleet's configuration if FLEET is true and there is no --file, otherwise the file. Resolves when the edit is
 * stored, with a function that prints where it is in force and rejects with CommandFailed if that is not everywhere.
 */
export async function editKeys(
  parsed: ParsedArguments,
  why: string,
  edit: TextEdit
): Promise<(terminal: Terminal) => Promise<void>> {
  const config = fleetOf(parsed)
  const { audited, keep } = auditing(edit)
  if (config === undefined) {
    await editFile({ file: fileOf(parsed), parse: parseTributaryFile, edit: audited })
    keep(why)
    return async () => undefined
  }
  const { changeOf } = await import('../../fleet/config/change.ts')
  const session = await openSession(config)
  try {
    const { version } = await session.edit({ make: changeOf(audited, parseTributaryFile), why })
    keep(why)
    return async terminal => {
      try {
        await session.printInForce(version, terminal)
      } finally {
        await session.close()
      }
    }
  } catch (error) {
    await session.close()
    throw error
  }
}

/** Wraps an edit, and returns the function that audits it after it was stored. */
function auditing(edit: TextEdit) {
  let last: Edit | undefined
  return {
    audited: ((text, before) => (last = edit(text, before))) satisfies TextEdit,
    keep(why: string): void {
      const { added = [], removed = [] } = last ?? {}
      const masked = (keys: readonly string[]): string[] => keys.map(key => readKeyEntry(key).shown)
      if (added.length > 0) auditCommand('key_added', `${why}: ${masked(added).join(', ')} added`)
      if (removed.length > 0) auditCommand('key_revoked', `${why}: ${masked(removed).join(', ')} revoked`)
    }
  }
}

/** The source with this id. Throws CommandFailed if there is none. */
export function sourceOf({ file }: KeyedTributaryFile, id: string): Source {
  const source = file.sources.find(one => one.id === id)
  if (source !== undefined) return source
  const known = file.sources.map(one => one.id).join(', ')
  throw new CommandFailed(
    `there is no source "${id}"; there are: ${known}. "tributary keys add ${id} --create" makes it`
  )
}

/** The write keys of a source, in the order of the file. */
export function writeKeysOf({ writeKeys }: KeyedTributaryFile, id: string): readonly string[] {
  return [...writeKeys].filter(([, source]) => source.id === id).map(([key]) => key)
}

/** The first entry that is a key and not a digest; undefined if there is none. */
export function readableKey(entries: readonly string[]): string | undefined {
  return entries.find(entry => readKeyEntry(entry).key !== undefined)
}
