import { diff } from 'node:util'
import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { readConfigFileName, readEnvironment } from '../../config/env/environment.ts'
import { digestText } from '../../fleet/config/start.ts'
import { readTributaryFile } from '../../keys/edit/edit-file.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { openFleetSession } from '../fleet/fleet-session.ts'

export const configDiff: Command = {
  help: `Usage: tributary config diff [FILE] [--json]

Shows how a config file (default: CONFIG_FILE, else tributary.yml) differs from the fleet's configuration in force: lines with -
are the fleet's, lines with + the file's, keys as digests. Exit code 1 if they differ. Needs FLEET=true.

  --json   as JSON: the fleet's version, whether the file differs, and the lines

Examples:
  tributary config diff`,
  async run(args, terminal) {
    const { flags, positionals } = parseArguments(args, {
      options: { json: { type: 'boolean' } },
      positionals: ['[FILE]']
    })
    const file = positionals[0] ?? readConfigFileName()
    const { text } = await readTributaryFile(file, parseTributaryFile)
    const own = digestText(text, file, parseTributaryFile)
    const session = await openFleetSession(readEnvironment())
    const { current } = session.topic.log
    await session.close()
    if (current === undefined) throw new CommandFailed('the fleet has no configuration yet')
    const lines = current.text === own ? [] : changedLines(current.text, own)
    if (flags.has('json'))
      terminal.out(JSON.stringify({ file, version: current.version, differs: current.text !== own, lines }))
    if (current.text === own) return terminal.note(`${file} is version ${current.version} of the fleet`)
    if (!flags.has('json')) terminal.out(lines.join('\n'))
    throw new CommandFailed(`${file} differs from version ${current.version} of the fleet`)
  }
}

/** Added (+) and removed (-) lines, with the line before each group. */
function changedLines(before: string, after: string): string[] {
  const lines = diff(after.split('\n'), before.split('\n'))
  return lines.flatMap(([sign, line], at) => {
    if (sign !== 0) return [`${sign < 0 ? '-' : '+'} ${line}`]
    return (lines[at + 1]?.[0] ?? 0) === 0 ? [] : [`  ${line}`]
  })
}
