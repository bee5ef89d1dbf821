import { addKeyText, removeKeyText } from '../../keys/edit/edit-text.ts'
import { newWriteKey } from '../../keys/write-key.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { editKeys, FILE_HELP, FILE_OPTION, writeKeysOf, sourceOf } from './keys-file.ts'

export const keysRotate: Command = {
  help: `Usage: tributary keys rotate SOURCE [--keep] [--json] [--file FILE]

Adds a new write key to a source, prints it once, and removes all older keys.

  --keep       keep the older keys for now, until every client has the new one
  --json       the key as JSON
${FILE_HELP}

Examples:
  tributary keys rotate web --keep   then deploy the new key, then "tributary keys revoke web OLD"
  tributary keys rotate web          at once: clients with an old key are refused`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { ...FILE_OPTION, keep: { type: 'boolean' }, json: { type: 'boolean' } },
      positionals: ['SOURCE']
    })
    const id = parsed.positionals[0] ?? ''
    const writeKey = newWriteKey()
    let removed: readonly string[] = []
    const printInForce = await editKeys(parsed, `keys rotate ${id}`, (text, before) => {
      sourceOf(before, id)
      removed = parsed.flags.has('keep') ? [] : writeKeysOf(before, id)
      const added = addKeyText(text, id, writeKey)
      return { text: removed.reduce((next, key) => removeKeyText(next, id, key), added), added: [writeKey], removed }
    })
    terminal.note(`revoked ${removed.length} older ${removed.length === 1 ? 'key' : 'keys'} of "${id}"`)
    terminal.out(
      parsed.flags.has('json') ? JSON.stringify({ source: id, writeKey, revoked: removed.length }) : writeKey
    )
    await printInForce(terminal)
  }
}
