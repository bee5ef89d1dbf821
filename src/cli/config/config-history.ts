import { readEnvironment } from '../../config/env/environment.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { openFleetSession } from '../fleet/fleet-session.ts'
import { formatColumns } from '../format-columns.ts'

export const configHistory: Command = {
  help: `Usage: tributary config history [--json]

Lists the last versions of the fleet's configuration, newest first, with time, author, reason, and the number of live servers on which
each is in force. Needs FLEET=true.

  --json   as JSON

Examples:
  tributary config history`,
  async run(args, terminal) {
    const { flags } = parseArguments(args, { options: { json: { type: 'boolean' } } })
    const session = await openFleetSession(readEnvironment())
    const live = session.members.live()
    const versions = session.topic.log
      .history()
      .toReversed()
      .map(({ version, at, by, why, hash }) => {
        const servers = live.filter(({ config }) => config.version === version).length
        return { version, at, by, servers, hash, why }
      })
    await session.close()
    if (flags.has('json')) return terminal.out(JSON.stringify(versions))
    const rows = versions.map(({ version, at, by, servers, hash, why }) => [
      String(version),
      at.slice(0, 19).replace('T', ' '),
      by,
      String(servers),
      hash,
      why
    ])
    terminal.out(formatColumns([['VERSION', 'AT', 'BY', 'IN FORCE ON', 'HASH', 'WHY'], ...rows]))
  }
}
