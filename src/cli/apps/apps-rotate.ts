import { addAppKeyText } from '../../keys/edit/edit-apps.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { FILE_HELP, FILE_OPTION, readKeys } from '../keys/keys-file.ts'
import { addKey, KEY_HELP, KEY_OPTIONS } from './add-key.ts'
import { appOf, kidsOf } from './app-of.ts'
import { nextKid } from './key-pair.ts'

export const appsRotate: Command = {
  help: `Usage: tributary apps rotate APP [--kid KID] [--out FILE] [--json] [--file FILE]

Adds another key to an app, writes its private key to a new file, and prints the settings for the SDKs. The older key
stays valid until "apps revoke APP KID" removes it: deploy the new one first.

  --kid KID        the id of the new key (default: the next of k1, k2, ...)
${KEY_HELP}
${FILE_HELP}

Examples:
  tributary apps rotate billing   then deploy billing-k2.pem, then "tributary apps revoke billing k1"`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: { ...FILE_OPTION, ...KEY_OPTIONS }, positionals: ['APP'] })
    const id = parsed.positionals[0] ?? ''
    const kid = parsed.texts['kid'] ?? nextKid(kidsOf(await readKeys(parsed), id))
    await addKey(parsed, terminal, {
      id,
      kid,
      why: `apps rotate ${id}`,
      edit(text, before, key) {
        if (appOf(before, id).publicKeys.some(one => one.kid === kid)) {
          throw new CommandFailed(`"${id}" has a key "${kid}" already`)
        }
        return addAppKeyText(text, id, key)
      }
    })
  }
}
