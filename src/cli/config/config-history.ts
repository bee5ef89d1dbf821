import { readEnvironment } from '../../config/env/environment.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { openFleetSession } from '../fleet/fleet-session.ts'
import { inColumns } from '../columns.ts'

export const configHistory: Command = {
  help: `Usage: tributary config history

Lists the last versions of the fleet's configuration, newest first: when, by whom, what for, and on how many live servers each is in
force. Needs FLEET=true.

Examples:
  tributary config history`,
  async run(args, terminal) {
    parseArguments(args, {})
    const session = await openFleetSession(readEnvironment())
    const live = session.members.live()
    const rows = session.topic.log
      .history()
      .toReversed()
      .map(({ version, at, by, why, hash }) => [
        String(version),
        at.slice(0, 19).replace('T', ' '),
        by,
        String(live.filter(({ config }) => config.version === version).length),
        hash,
        why
      ])
    await session.close()
    terminal.out(inColumns([['VERSION', 'AT', 'BY', 'SERVERS', 'HASH', 'WHY'], ...rows]))
  }
}
