import { adminClient } from '../admin-client.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { readDurationOption } from '../duration-option.ts'
import { SERVER_HELP, SERVER_OPTIONS } from '../server-address.ts'
import { checkSources, FILTER_HELP, FILTERS, filterQuery } from './filters.ts'
import type { Listed } from './follow.ts'
import { follow } from './follow.ts'
import type { Row } from './format-row.ts'
import { formatRow } from './format-row.ts'

const NO_FLEET =
  'this server cannot show a fleet: it is in none, or it runs workers; ask another server, or leave --fleet out'

export const tail: Command = {
  help: `Usage: tributary tail [filters] [--last N] [--count N] [--timeout TIME] [--fleet] [--json]

Shows events of a running server as they arrive, with the outcome of each, until Ctrl-C. If the server goes
away, the command waits for it.

${FILTER_HELP}
  --last N        begin with the last N events that the server has in memory (default 10)
  --count N       end after N events
  --timeout TIME  end after this time, such as 30s, with exit code 1 if --count events have not arrived
  --fleet         follow all servers of the fleet; each event names its server
  --json          one event per line, as JSON
${SERVER_HELP}

Examples:
  tributary tail --outcome rejected
  tributary tail --fleet --event 'Order *'
  tributary tail --source web --event 'Order *' --json | jq .messageId`,
  async run(args, terminal) {
    const names = [...FILTERS, 'last', 'count', 'timeout']
    const texts = names.map(name => [name, { type: 'string' }] as const)
    const flags = ['json', 'fleet'].map(name => [name, { type: 'boolean' }] as const)
    const options = { ...Object.fromEntries([...texts, ...flags]), ...SERVER_OPTIONS }
    const parsed = parseArguments(args, { options })
    const print = parsed.flags.has('json') ? (row: Row) => JSON.stringify(row) : formatRow
    const scope = parsed.flags.has('fleet') ? '&scope=fleet' : ''
    const query = String(filterQuery(parsed))
    const last = whole(parsed.texts['last'] ?? '10', '--last')
    let left = whole(parsed.texts['count'] ?? String(Number.MAX_SAFE_INTEGER), '--count')
    const isCounted = parsed.texts['count'] !== undefined
    const timeoutMs = readDurationOption(parsed, 'timeout')
    const client = adminClient(parsed)
    await checkSources(parsed, client)

    const known = await client.get(`/api/events?${query}&limit=${Math.min(1_000, Math.max(1, last))}${scope}`)
    const listed = (await known.json()) as Listed
    if (scope !== '' && typeof listed.newest === 'number') throw new CommandFailed(NO_FLEET)
    for (const row of listed.events.slice(0, last).toReversed()) if (left-- > 0) terminal.out(print(row))
    if (left <= 0) return
    if (timeoutMs !== undefined)
      endAfter(timeoutMs, () => (isCounted ? `${left} more events were waited for` : undefined))
    for await (const batch of follow(client, { query, scope, listed, terminal })) {
      if (batch.problem !== undefined) terminal.note(`(${batch.server}: ${batch.problem})`)
      if (batch.skipped > 0) noteSkipped(terminal, batch.skipped)
      for (const row of batch.rows) {
        terminal.out(print(row))
        if (--left === 0) return
      }
    }
  }
}

/** Ends the process after `ms`: with exit code 1 if something is missing. Nothing else needs to be finished. */
function endAfter(ms: number, missing: () => string | undefined): void {
  const timer = setTimeout(() => {
    const says = missing()
    if (says !== undefined) process.stderr.write(`the time is up: ${says}\n`)
    process.exit(says === undefined ? 0 : 1)
  }, ms)
  timer.unref()
}

function noteSkipped(terminal: Terminal, events: number): void {
  terminal.note(`(${events} events came faster than they can be shown)`)
}

function whole(text: string, name: string): number {
  if (!/^\d{1,16}$/.test(text)) throw new UsageError(`${name} must be a whole number`)
  return Number(text)
}
