import { addKeyText, removeKeyText } from '../../keys/edit/edit-text.ts'
import { matchTypedKey } from '../../keys/key-digest.ts'
import { newWriteKey } from '../../keys/write-key.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { editKeys, FILE_HELP, FILE_OPTION, writeKeysOf, sourceOf } from './keys-file.ts'

export const keysRevoke: Command = {
  help: `Usage: tributary keys revoke SOURCE KEY [--force] [--json] [--file FILE]

Removes a write key of a source. A running server refuses it within 2 s. KEY is the whole key, its beginning, or its
form in "keys list"; it must match exactly one key of the source.

  --force      also revoke the source's last key: a new one replaces it and is printed once
  --json       print the result as JSON, with the key that replaces it
${FILE_HELP}

Examples:
  tributary keys revoke web wk_8fQ
  tributary keys revoke web wk_8fQ --force`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { ...FILE_OPTION, force: { type: 'boolean' }, json: { type: 'boolean' } },
      positionals: ['SOURCE', 'KEY']
    })
    const [id = '', typed = ''] = parsed.positionals
    let replacement: string | undefined
    const printInForce = await editKeys(parsed, `keys revoke ${id}`, (text, before) => {
      sourceOf(before, id)
      const keys = writeKeysOf(before, id)
      const key = meantKey(keys, typed)
      if (keys.length > 1) return { text: removeKeyText(text, id, key), added: [], removed: [key] }
      if (!parsed.flags.has('force')) {
        throw new CommandFailed(`that is the last key of "${id}": "keys add" another one first, or use --force`)
      }
      replacement = newWriteKey()
      return { text: removeKeyText(addKeyText(text, id, replacement), id, key), added: [replacement], removed: [key] }
    })
    terminal.note(`revoked one key of "${id}"`)
    const done = { source: id, revoked: 1, ...(replacement === undefined ? {} : { writeKey: replacement }) }
    if (parsed.flags.has('json')) terminal.out(JSON.stringify(done))
    else if (replacement !== undefined) terminal.out(replacement)
    await printInForce(terminal)
  }
}

function meantKey(keys: readonly string[], typed: string): string {
  const exact = keys.filter(key => matchTypedKey(key, typed) === 'exactly')
  const [first, second] = exact.length > 0 ? exact : keys.filter(key => matchTypedKey(key, typed) === 'perhaps')
  if (first === undefined)
    throw new CommandFailed('the source has no such key; "tributary keys list" shows those it has')
  if (second !== undefined) throw new CommandFailed('more than one key of the source begins like that; type more of it')
  return first
}
