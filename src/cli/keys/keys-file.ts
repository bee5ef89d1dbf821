import { readConfigFileName } from '../../config/env/environment.ts'
import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { editFile, readTributaryFile } from '../../keys/edit/edit-file.ts'
import type { Edit } from '../../keys/edit/edit-file.ts'
import type { Source } from '../../model/source.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { CommandFailed } from '../command.ts'
import type { ParsedArguments } from '../command.ts'

export const FILE_OPTION = { file: { type: 'string' } } as const

export const FILE_HELP = '  --file FILE  the config file (default: CONFIG_FILE, else tributary.yml)'

export function fileOf({ texts }: ParsedArguments): string {
  return texts['file'] ?? readConfigFileName()
}

export async function readKeysFile(file: string): Promise<KeyedTributaryFile> {
  return (await readTributaryFile(file, parseTributaryFile)).before
}

export async function editKeysFile(
  file: string,
  edit: (text: string, before: KeyedTributaryFile) => Edit
): Promise<void> {
  await editFile({ file, parse: parseTributaryFile, edit })
}

/** Throws CommandFailed where there is no such source. */
export function sourceOf({ file }: KeyedTributaryFile, id: string): Source {
  const source = file.sources.find(one => one.id === id)
  if (source !== undefined) return source
  const known = file.sources.map(one => one.id).join(', ')
  throw new CommandFailed(`there is no source "${id}"; there are: ${known}`)
}

/** The keys of a source in the order of the file. */
export function writeKeysOf({ writeKeys }: KeyedTributaryFile, id: string): readonly string[] {
  return [...writeKeys].filter(([, source]) => source.id === id).map(([key]) => key)
}
