import { addAppText } from '../../keys/edit/edit-apps.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { FILE_HELP, FILE_OPTION, sourceOf } from '../keys/keys-file.ts'
import { addKey, KEY_HELP, KEY_OPTIONS } from './add-key.ts'
import { nextKid } from './key-pair.ts'

export const appsAdd: Command = {
  help: `Usage: tributary apps add APP [--source SOURCE]... [--ttl TTL] [--kid KID] [--out FILE] [--json] [--file FILE]

Adds an app that may request OAuth tokens. The command creates an RSA key pair, adds the public key to the config file,
writes the private key to a new file, and prints the settings for the SDKs. A running server knows the app within 2 s.
A source uses tokens if it has "oauth: optional" or "oauth: required" in the config file.

  --source SOURCE  a source to which its tokens may send; may be repeated (default: all sources)
  --ttl TTL        how long its tokens live, such as 15m, 12h or 1d (default: 1d)
  --kid KID        the id of the key (default: k1)
${KEY_HELP}
${FILE_HELP}

Examples:
  tributary apps add billing --source backend
  tributary apps add billing --ttl 12h --out /run/secrets/billing.pem`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: {
        ...FILE_OPTION,
        ...KEY_OPTIONS,
        source: { type: 'string', multiple: true },
        ttl: { type: 'string' }
      },
      positionals: ['APP']
    })
    const id = parsed.positionals[0] ?? ''
    const { kid = nextKid([]), ttl } = parsed.texts
    const sources = parsed.lists['source']
    await addKey(parsed, terminal, {
      id,
      kid,
      why: `apps add ${id}`,
      edit(text, before, key) {
        if (before.file.apps?.some(app => app.id === id)) throw new CommandFailed(`there is an app "${id}" already`)
        for (const source of sources ?? []) sourceOf(before, source)
        return addAppText(text, { id, key, sources, ttl })
      }
    })
  }
}
