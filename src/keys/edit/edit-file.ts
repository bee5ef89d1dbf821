import { ConfigError } from '../../model/config-error.ts'
import type { KeyedTributaryFile, ParseTributaryFile } from '../../model/tributary-file.ts'
import { withEditLock } from './edit-lock.ts'
import { observe } from '../read-file.ts'
import { replaceFile } from './write-file.ts'
import { sayingWhy } from './write-trouble.ts'

/** A new text and what it changes about the keys of the file. */
export interface Edit {
  readonly text: string
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export interface EditFileOptions {
  readonly file: string
  readonly parse: ParseTributaryFile
  /** Makes the new text of the old one. */
  readonly edit: (text: string, before: KeyedTributaryFile) => Edit
}

/**
 * Edits tributary.yml in one step. Rejects with ConfigError, and leaves the file as it is, where the file is not valid
 * before or after, where other keys than those named would come or go, where it cannot be written, or where somebody else
 * edits it just now.
 */
export async function editFile(options: EditFileOptions): Promise<void> {
  await sayingWhy(options.file, () => withEditLock(options.file, () => editLocked(options)))
}

async function editLocked({ file, parse, edit }: EditFileOptions): Promise<void> {
  const { id, text, before } = await readTributaryFile(file, parse)
  const { text: next, added, removed } = edit(text, before)
  const { writeKeys } = parse(next, file)
  const expected = [...before.writeKeys.keys(), ...added].filter(key => !removed.includes(key))
  if (expected.length !== writeKeys.size || !expected.every(key => writeKeys.has(key))) {
    throw new ConfigError([`${file}: this command cannot edit it as it is written: please edit it by hand`])
  }
  await replaceFile(file, next, async () => (await observe(file)).id === id)
}

/** The file as it stands. Rejects with ConfigError where it is missing or not valid. */
export async function readTributaryFile(
  file: string,
  parse: ParseTributaryFile
): Promise<{ readonly id: string; readonly text: string; readonly before: KeyedTributaryFile }> {
  const { id, text, problem } = await observe(file)
  if (text === undefined) throw new ConfigError([problem ?? `${file}: cannot be read`])
  return { id, text, before: parse(text, file) }
}
