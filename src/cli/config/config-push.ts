import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { readConfigFileName, readEnvironment } from '../../config/env/environment.ts'
import { digestText } from '../../fleet/config/start.ts'
import { weakKeys } from '../../fleet/config/weak-keys.ts'
import type { ConfigVersion } from '../../fleet/config/version.ts'
import { readTributaryFile } from '../../keys/edit/edit-file.ts'
import { readKeyEntry } from '../../keys/key-digest.ts'
import { auditCommand } from '../audited.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { openFleetSession } from '../fleet/fleet-session.ts'

export const configPush: Command = {
  help: `Usage: tributary config push [FILE] [--why TEXT] [--force]

Makes a config file (default: CONFIG_FILE, else tributary.yml) the next version of the fleet's configuration, and says on how many
servers it is in force. Keys are stored as digests; the file is not changed. Needs FLEET=true.

  --why TEXT   the reason, which "config history" shows
  --force      also remove keys that the fleet has and the file does not

Examples:
  tributary config diff && tributary config push --why 'new destination'`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { why: { type: 'string' }, force: { type: 'boolean' } },
      positionals: ['[FILE]']
    })
    const file = parsed.positionals[0] ?? readConfigFileName()
    const { text } = await readTributaryFile(file, parseTributaryFile)
    const next = digestText(text, file, parseTributaryFile)
    for (const weak of weakKeys(parseTributaryFile(text, file))) terminal.note(`warning: ${weak}`)
    const session = await openFleetSession(readEnvironment())
    try {
      const before = session.topic.log.current?.version ?? 0
      const make = parsed.flags.has('force') ? () => next : (current?: ConfigVersion) => keepingKeys(current, next)
      const { version } = await session.edit({ make, why: parsed.texts['why'] ?? `config push ${file}` })
      terminal.out(version === before ? `nothing has changed (version ${version})` : `version ${version}`)
      if (version !== before) auditCommand('config_pushed', `${file} is version ${version} of the fleet`)
      await session.printInForce(version, terminal)
    } finally {
      await session.close()
    }
  }
}

/** Returns `next`. Throws CommandFailed if `next` lacks a key that the fleet has, because that key's events would be refused. */
function keepingKeys(current: ConfigVersion | undefined, next: string): string {
  if (current === undefined) return next
  const kept = new Set([...parseTributaryFile(next, 'file').writeKeys.keys()].map(entry => readKeyEntry(entry).digest))
  const lost = [...parseTributaryFile(current.text, 'fleet').writeKeys].filter(
    ([entry]) => !kept.has(readKeyEntry(entry).digest)
  )
  if (lost.length === 0) return next
  const names = lost.map(([entry, { id }]) => `${readKeyEntry(entry).shown} of "${id}"`).join(', ')
  throw new CommandFailed(`this would take away ${names}: "config pull" first, or use --force`)
}
