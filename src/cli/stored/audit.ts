import { readEnvironment } from '../../config/env/environment.ts'
import type { AuditEntry } from '../../model/operations/audit.ts'
import { AUDIT_ACTIONS } from '../../model/operations/audit.ts'
import { readAudit } from '../../telemetry/audit.ts'
import { checkChoice } from '../check-choice.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { printable } from '../printable.ts'
import { readTimeOption, TIME_HELP } from '../time-option.ts'

export const audit: Command = {
  help: `Usage: tributary audit [--action ACTION] [--since TIME] [--json]

Shows who did what to this server, from where and when, from DATA_DIR/audit.jsonl: logins, keys that were shown, added or
revoked, changes of the configuration by source, retries, replays. Oldest first. Keys are masked.

  --action ACTION  only these: ${AUDIT_ACTIONS.slice(0, 6).join(', ')},
                   ${AUDIT_ACTIONS.slice(6).join(', ')}
  --since TIME     only at this time or later, ${TIME_HELP}
  --json           one entry per line, as JSON

Examples:
  tributary audit --since 7d
  tributary audit --action key_shown --json`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { action: { type: 'string' }, since: { type: 'string' }, json: { type: 'boolean' } }
    })
    const { action } = parsed.texts
    checkChoice('--action', action, AUDIT_ACTIONS)
    const since = readTimeOption(parsed, 'since') ?? -Infinity
    const { dataDir } = readEnvironment()
    const wanted = (await readAudit(dataDir)).filter(
      entry => (action === undefined || entry.action === action) && Date.parse(entry.at) >= since
    )
    if (parsed.flags.has('json')) for (const entry of wanted) terminal.out(JSON.stringify(entry))
    else if (wanted.length === 0) terminal.note(`nothing of that is in ${dataDir}/audit.jsonl`)
    else for (const entry of wanted) terminal.out(formatEntry(entry))
  }
}

function formatEntry({ at, action, who, from, what, changes = [] }: AuditEntry): string {
  const head = `${at}  ${action.padEnd(14)}  ${who}, ${from}: ${what}`
  return [head, ...changes.map(change => `  ${change}`)].map(printable).join('\n')
}
