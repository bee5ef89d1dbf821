import { readEnvironment } from '../../config/env/environment.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { printable } from '../printable.ts'
import { addressOf } from './address.ts'
import type { Rejection } from './rejected.ts'
import { FILTER_HELP, FILTER_OPTIONS, readFilter, readRejections } from './rejected.ts'

export const rejectedShow: Command = {
  help: `Usage: tributary rejected show ID [--json] [filters]

Shows the rejected records of an event: when and how it came, why it was refused, and all of the record. ID is what "rejected list"
prints: the messageId, for an event without one retry-..., and for a body that was refused as a whole body-...
"rejected retry" sends an event without a messageId under its retry-... ID, so that "trace" finds it by that. Exit code 1 if there is no such record.

  --json            print only the rejected records, one per line
${FILTER_HELP}

Examples:
  tributary rejected show ajs-next-1764000000000-1b2c
  tributary rejected show retry-0c1d2e3f405162738495a6b7c8d9eaf0 --since 24h`,
  async run(args, terminal) {
    const options = { ...FILTER_OPTIONS, json: { type: 'boolean' } } as const
    const parsed = parseArguments(args, { options, positionals: ['ID'] })
    const config = readEnvironment()
    const wanted = parsed.positionals[0] ?? ''
    let shown = 0
    for await (const rejection of readRejections(config, readFilter(parsed, config))) {
      if (addressOf(rejection) !== wanted) continue
      terminal.out(parsed.flags.has('json') ? rejection.json : inText(rejection, shown === 0 ? '' : '\n'))
      shown++
    }
    if (shown === 0) throw new CommandFailed('no rejected record has this ID')
  }
}

function inText(rejection: Rejection, before: string): string {
  const { receivedAt, source, type, path, code, pointer, message, library, json } = rejection
  const facts = [
    ['received', receivedAt],
    ['source', source],
    ['call', [type, path].filter(Boolean).join(' ')],
    ['SDK', [library.name, library.version].filter(Boolean).join(' ')],
    ['reason', `${code}: ${message}${pointer === '' ? '' : `, at ${pointer}`}`],
    ['record', json]
  ] as const
  const rows = facts.filter(([, text]) => text !== '').map(([name, text]) => printable(`${name.padEnd(9)} ${text}`))
  return before + rows.join('\n')
}
