import { toDigestEntry } from '../../keys/key-digest.ts'
import type { Edit } from '../../keys/edit/edit-file.ts'
import { ConfigError } from '../../model/config-error.ts'
import type { KeyedTributaryFile, ParseTributaryFile } from '../../model/tributary-file.ts'
import { digestText } from './start.ts'
import type { ConfigVersion } from './version.ts'

/** Makes a new text from the text in force. */
export type TextEdit = (text: string, before: KeyedTributaryFile) => Edit

/**
 * Converts the edit of a file to an edit of the fleet's configuration, in which new keys are digests. The result throws
 * ConfigError if there is no configuration, or if the edit would add or remove other keys than those named.
 */
export function changeOf(edit: TextEdit, parse: ParseTributaryFile): (current: ConfigVersion | undefined) => string {
  return current => {
    if (current === undefined)
      throw new ConfigError(['the fleet has no configuration yet: start a server, or "config push"'])
    const name = `fleet version ${current.version}`
    const before = parse(current.text, name)
    const { text, added, removed } = edit(current.text, before)
    const next = digestText(text, name, parse)
    const after = parse(next, name).writeKeys
    const expected = [...before.writeKeys.keys(), ...added.map(toDigestEntry)].filter(key => !removed.includes(key))
    if (expected.length !== after.size || !expected.every(key => after.has(key))) {
      throw new ConfigError([`${name}: this command cannot edit it as it is written: please edit it by hand`])
    }
    return next
  }
}
