import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { readConfigFileName, readEnvironment } from '../../config/env/environment.ts'
import { readTributaryFile } from '../../keys/edit/edit-file.ts'
import { toDigestEntry } from '../../keys/key-digest.ts'
import { createFile, replaceFile } from '../../keys/edit/write-file.ts'
import { withExplainedErrors } from '../../keys/edit/write-trouble.ts'
import { yamlText } from '../../keys/edit/yaml-text.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { openFleetSession } from '../fleet/fleet-session.ts'

export const configPull: Command = {
  help: `Usage: tributary config pull [FILE] [--version N]

Writes the fleet's configuration in force to a config file (default: CONFIG_FILE, else tributary.yml). Keys that are readable in the
file stay readable; others are digests. Needs FLEET=true.

  --version N  an older version, as "config history" lists them

Examples:
  tributary config pull
  tributary config pull old.yml --version 7 && tributary config push old.yml --why 'back to 7'`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: { version: { type: 'string' } }, positionals: ['[FILE]'] })
    const file = parsed.positionals[0] ?? readConfigFileName()
    const wanted = parsed.texts['version']
    if (wanted !== undefined && !/^[1-9][0-9]{0,14}$/.test(wanted))
      throw new UsageError('--version must be a whole number')
    const session = await openFleetSession(readEnvironment())
    const { log } = session.topic
    await session.close()
    const version = wanted === undefined ? log.current : log.history().find(one => one.version === Number(wanted))
    if (version === undefined)
      throw new CommandFailed('the fleet has no such version; "tributary config history" lists them')
    await write(file, version.text)
    terminal.note(`version ${version.version} is in ${file}`)
  }
}

async function write(file: string, text: string): Promise<void> {
  await withExplainedErrors(file, async () => {
    if (await createFile(file, text)) return
    const known = await readTributaryFile(file, parseTributaryFile).catch(() => undefined)
    const keys = [...(known?.before.writeKeys.keys() ?? [])]
    const readable = keys.reduce((next, key) => next.replaceAll(yamlText(toDigestEntry(key)), yamlText(key)), text)
    await replaceFile(file, readable, async () => true)
  })
}
