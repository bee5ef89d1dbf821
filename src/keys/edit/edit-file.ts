import { ConfigError } from '../../model/config-error.ts'
import type { KeyedTributaryFile, ParseTributaryFile } from '../../model/tributary-file.ts'
import { withEditLock } from './edit-lock.ts'
import { readObservation } from '../read-file.ts'
import { replaceFile } from './write-file.ts'
import { withExplainedErrors } from './write-trouble.ts'

/** A new text, and the keys that it adds and removes. */
export interface Edit {
  readonly text: string
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export interface EditFileOptions {
  readonly file: string
  readonly parse: ParseTributaryFile
  /** Makes the new text from the old one. */
  readonly edit: (text: string, before: KeyedTributaryFile) => Edit
}

/**
 * Edits tributary.yml atomically. Rejects with ConfigError and leaves the file unchanged if the file is not valid before or
 * after the edit, if the edit would add or remove other keys than those named, if the file cannot be written, or if somebody
 * else has edited it meanwhile.
 */
export async function editFile(options: EditFileOptions): Promise<void> {
  await withExplainedErrors(options.file, () => withEditLock(options.file, () => editLocked(options)))
}

async function editLocked({ file, parse, edit }: EditFileOptions): Promise<void> {
  const { id, text, before } = await readTributaryFile(file, parse)
  const { text: next, added, removed } = edit(text, before)
  const { writeKeys } = parse(next, file)
  const expected = [...before.writeKeys.keys(), ...added].filter(key => !removed.includes(key))
  if (expected.length !== writeKeys.size || !expected.every(key => writeKeys.has(key))) {
    throw new ConfigError([`${file}: this command cannot edit it as it is written: please edit it by hand`])
  }
  await replaceFile(file, next, async () => (await readObservation(file)).id === id)
}

/** Reads the file. Rejects with ConfigError if it is missing or not valid. */
export async function readTributaryFile(
  file: string,
  parse: ParseTributaryFile
): Promise<{ readonly id: string; readonly text: string; readonly before: KeyedTributaryFile }> {
  const { id, text, problem } = await readObservation(file)
  if (text === undefined) throw new ConfigError([problem ?? `${file}: cannot be read`])
  return { id, text, before: parse(text, file) }
}
