import { readEnvironment } from '../../config/env/environment.ts'
import { printConfig } from '../../config/env/print.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'

export const config: Command = {
  help: `Usage: tributary config [--json]

Prints every environment variable of the server with its value in force. Secrets are hidden. If the server would not
start, the command fails and prints every mistake.

  --json   as JSON: each variable's value, and whether it is the default

Examples:
  tributary config
  LOG_RETENTION=7d,20GiB tributary config | grep -v default`,
  async run(args, terminal) {
    const { flags } = parseArguments(args, { options: { json: { type: 'boolean' } } })
    const effective = readEnvironment()
    for (const warning of effective.warnings) terminal.note(`warning: ${warning}`)
    terminal.out(flags.has('json') ? JSON.stringify(effective.effective) : printConfig(effective))
  }
}
