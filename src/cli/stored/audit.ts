import { readEnvironment } from '../../config/env/environment.ts'
import type { AuditEntry } from '../../model/operations/audit.ts'
import { AUDIT_ACTIONS } from '../../model/operations/audit.ts'
import { readAudit } from '../../telemetry/audit.ts'
import { checkChoice } from '../check-choice.ts'
import type { Command, Terminal } from '../command.ts'
import { parseArguments } from '../command.ts'
import { printable } from '../printable.ts'
import { readTimeOption, TIME_HELP } from '../time-option.ts'

export const audit: Command = {
  help: `Usage: tributary audit [--action ACTION] [--since TIME] [--whole] [--json]

Shows who did what to this server, from where and when, from DATA_DIR/audit.jsonl: logins, keys that were shown, added or
revoked, changes of the configuration by source (also those made while the server was stopped, once it has started again), retries,
replays. Oldest first. Keys are masked.

  --action ACTION  only these: ${AUDIT_ACTIONS.slice(0, 6).join(', ')},
                   ${AUDIT_ACTIONS.slice(6).join(', ')}
  --since TIME     only at this time or later, ${TIME_HELP}
  --whole          do not cut long values
  --json           one entry per line, as JSON; long values are in "whole"

Examples:
  tributary audit --since 7d
  tributary audit --action key_shown --json`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: {
        action: { type: 'string' },
        since: { type: 'string' },
        whole: { type: 'boolean' },
        json: { type: 'boolean' }
      }
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
    else printEntries(wanted, parsed.flags.has('whole'), terminal)
  }
}

function printEntries(entries: readonly AuditEntry[], isWhole: boolean, terminal: Terminal): void {
  for (const entry of entries) terminal.out(formatEntry(entry, isWhole))
  if (!isWhole && entries.some(({ whole }) => whole !== undefined)) {
    terminal.note('long values are cut: --whole and --json show all of them')
  }
}

function formatEntry({ at, action, who, from, what, changes = [], whole = changes }: AuditEntry, isWhole: boolean) {
  const head = `${at}  ${action.padEnd(14)}  ${who}, ${from}: ${what}`
  return [head, ...(isWhole ? whole : changes).map(change => `  ${change}`)].map(printable).join('\n')
}
