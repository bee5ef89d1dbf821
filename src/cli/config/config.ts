import { readEnvironment } from '../../config/env/environment.ts'
import { printConfig } from '../../config/env/print.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'

export const config: Command = {
  help: `Usage: tributary config

Prints every environment variable of the server with the value that is in force. Secrets are hidden. Fails, naming
every mistake, where the server would not start.

Examples:
  tributary config
  LOG_RETENTION=7d,20GiB tributary config | grep -v default`,
  async run(args, terminal) {
    parseArguments(args, {})
    const effective = readEnvironment()
    for (const warning of effective.warnings) terminal.note(`warning: ${warning}`)
    terminal.out(printConfig(effective))
  }
}
