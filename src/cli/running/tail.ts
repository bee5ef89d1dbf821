import { setTimeout as sleep } from 'node:timers/promises'
import type { LiveBatch } from '../../debugger/live/live.ts'
import type { EventRow } from '../../debugger/ring/row.ts'
import { adminClient, ServerUnreachable } from '../admin-client.ts'
import type { AdminClient } from '../admin-client.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { readDurationOption } from '../duration-option.ts'
import { SERVER_HELP, SERVER_OPTIONS } from '../server-address.ts'
import { checkSources, FILTER_HELP, FILTERS, filterQuery } from './filters.ts'
import { formatRow } from './format-row.ts'

const RECONNECT_MS = 1_000

interface Listed {
  /** Newest first. */
  readonly events: readonly EventRow[]
  readonly newest: number
}

export const tail: Command = {
  help: `Usage: tributary tail [filters] [--last N] [--count N] [--timeout TIME] [--json]

Shows events of a running server as they arrive, with the outcome of each, until Ctrl-C. If the server goes
away, the command waits for it.

${FILTER_HELP}
  --last N        begin with the last N events that the server has in memory (default 10)
  --count N       end after N events
  --timeout TIME  end after this time, such as 30s, with exit code 1 if --count events have not arrived
  --json          one event per line, as JSON
${SERVER_HELP}

Examples:
  tributary tail --outcome rejected
  tributary tail --source web --event 'Order *' --json | jq .messageId`,
  async run(args, terminal) {
    const names = [...FILTERS, 'last', 'count', 'timeout']
    const options = Object.fromEntries(names.map(name => [name, { type: 'string' } as const]))
    const parsed = parseArguments(args, { options: { ...options, ...SERVER_OPTIONS, json: { type: 'boolean' } } })
    const print = parsed.flags.has('json') ? (row: EventRow) => JSON.stringify(row) : formatRow
    const query = String(filterQuery(parsed))
    const last = whole(parsed.texts['last'] ?? '10', '--last')
    let left = whole(parsed.texts['count'] ?? String(Number.MAX_SAFE_INTEGER), '--count')
    const isCounted = parsed.texts['count'] !== undefined
    const timeoutMs = readDurationOption(parsed, 'timeout')
    const client = adminClient(parsed)
    await checkSources(parsed, client)

    const known = await client.get(`/api/events?${query}&limit=${Math.min(1_000, Math.max(1, last))}`)
    const { events, newest } = (await known.json()) as Listed
    for (const row of events.slice(0, last).toReversed()) if (left-- > 0) terminal.out(print(row))
    if (left <= 0) return
    if (timeoutMs !== undefined)
      endAfter(timeoutMs, () => (isCounted ? `${left} more events were waited for` : undefined))
    const following = follow(client, { query, newest, row: events[0], terminal })
    for await (const batch of following) {
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

interface Begin {
  readonly query: string
  /** The seq of the newest event of the server. */
  readonly newest: number
  /** The last event that was received; undefined if there was none. */
  readonly row: EventRow | undefined
  readonly terminal: Terminal
}

/**
 * Yields the live batches without end, and reconnects if the server goes away. A restarted server counts events from 1 again,
 * so its events are requested from there.
 */
async function* follow(client: AdminClient, { query, newest, row, terminal }: Begin): AsyncGenerator<LiveBatch> {
  let last = row
  let after = newest
  let isAway = false
  for (;;) {
    try {
      if (isAway && !(await isSameServer(client, after, last))) {
        after = 0
        last = undefined
      }
      const stream = await client.get(`/api/stream?${query}&after=${after}`)
      if (isAway) terminal.note('(the server is back)')
      isAway = false
      for await (const batch of batches(stream)) {
        last = batch.rows.at(-1) ?? last
        after = Math.max(after, last?.seq ?? 0)
        yield batch
      }
    } catch (error) {
      if (error instanceof CommandFailed && !(error instanceof ServerUnreachable)) throw error
    }
    if (!isAway) terminal.note('(the server has gone; waiting for it)')
    isAway = true
    await sleep(RECONNECT_MS)
  }
}

/** Whether the server was not restarted: it still has the last event, or its count has passed it. */
async function isSameServer(client: AdminClient, after: number, last: EventRow | undefined): Promise<boolean> {
  const { events, newest } = (await (await client.get('/api/events?limit=1000')).json()) as Listed
  if (newest < after) return false
  const known = events.find(({ seq }) => seq === last?.seq)
  return known === undefined || known.messageId === last?.messageId
}

function noteSkipped(terminal: Terminal, events: number): void {
  terminal.note(`(${events} events came faster than they can be shown)`)
}

/** Yields the live batches of a stream of server-sent events. */
async function* batches(response: Response): AsyncGenerator<LiveBatch> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    const messages = text.split('\n\n')
    text = messages.pop() ?? ''
    for (const message of messages) {
      const data = /^data: (.*)$/m.exec(message)?.[1]
      if (data !== undefined) yield JSON.parse(data) as LiveBatch
    }
  }
}

function whole(text: string, name: string): number {
  if (!/^\d{1,16}$/.test(text)) throw new UsageError(`${name} must be a whole number`)
  return Number(text)
}
