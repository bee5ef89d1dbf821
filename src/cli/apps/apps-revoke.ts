import { removeAppKeyText, removeAppText } from '../../keys/edit/edit-apps.ts'
import { auditCommand } from '../audited.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { editKeys, FILE_HELP, FILE_OPTION } from '../keys/keys-file.ts'
import { kidsOf } from './app-of.ts'

export const appsRevoke: Command = {
  help: `Usage: tributary apps revoke APP [KID] [--json] [--file FILE]

Removes an app or one of its keys. A running server refuses its tokens within 2 s: those of a removed app with 401, so
that SDKs drop their events; those of a removed key with 511, so that SDKs get new tokens.

  --json       print the result as JSON
${FILE_HELP}

Examples:
  tributary apps revoke billing k1
  tributary apps revoke billing`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { ...FILE_OPTION, json: { type: 'boolean' } },
      positionals: ['APP', '[KID]']
    })
    const [id = '', kid] = parsed.positionals
    const why = `apps revoke ${kid === undefined ? id : `${id} ${kid}`}`
    const printInForce = await editKeys(parsed, why, (text, before) => {
      const kids = kidsOf(before, id)
      if (kid === undefined) return { text: removeAppText(text, id), added: [], removed: [] }
      if (!kids.includes(kid)) throw new CommandFailed(`"${id}" has no key "${kid}"; it has: ${kids.join(', ')}`)
      if (kids.length === 1) {
        throw new CommandFailed(
          `that is the last key of "${id}": "apps rotate" adds another one, "apps revoke ${id}" takes the app away`
        )
      }
      return { text: removeAppKeyText(text, id, kid), added: [], removed: [] }
    })
    auditCommand('key_revoked', why)
    terminal.note(kid === undefined ? `the app "${id}" is removed` : `revoked the key "${kid}" of "${id}"`)
    if (parsed.flags.has('json')) terminal.out(JSON.stringify({ app: id, kid: kid ?? null }))
    await printInForce(terminal)
  }
}
