import { describePlacement } from '../../debugger/ring/describe-placement.ts'
import type { Trace } from '../../debugger/api/trace.ts'
import { adminClient } from '../admin-client.ts'
import type { Command } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { SERVER_HELP, SERVER_OPTIONS } from '../server-address.ts'
import { printable } from '../printable.ts'

const PLACES = {
  memory: 'memory',
  log: 'the log on disk',
  kafka: 'the last hour of Kafka',
  archive: 'the archive'
} as const

export const traceCommand: Command = {
  help: `Usage: tributary trace MESSAGE_ID [--json]

Finds an event by its messageId and shows its journey, and for each destination of the configuration whether the event was
sent there, or which rule kept it out. It searches the memory of a running server, then its log on disk,
then the last hour of Kafka, then the archive (ARCHIVE), the newest segment first, for 5 s each. For an event that was spooled,
it looks whether Kafka has it by now, from when it was received. A server of a fleet also asks the others. Exit code 1 if the event is in none of them.

  --json          everything that is known, as JSON
${SERVER_HELP}

Examples:
  tributary trace ajs-next-1764000000000-1b2c
  tributary trace my-id --json | jq -r '.events[0].received'`,
  async run(args, terminal) {
    const options = { ...SERVER_OPTIONS, json: { type: 'boolean' } } as const
    const parsed = parseArguments(args, { options, positionals: ['MESSAGE_ID'] })
    const id = parsed.positionals[0] ?? ''
    const response = await adminClient(parsed).get(`/api/trace/${encodeURIComponent(id)}`)
    const found = (await response.json()) as Found
    terminal.out(parsed.flags.has('json') ? JSON.stringify(found) : inText(found))
    if (found.omitted > 0) terminal.note(`${found.omitted} more were found than one answer holds`)
    const isFound = found.events.length + found.records.length > 0
    if (!isFound) throw new CommandFailed('no event with this messageId is known to the server')
  }
}

/** In a fleet, each part names its server, and the servers that could not be asked. */
interface OfServer {
  readonly server?: string
}
interface Found {
  readonly events: readonly (Trace['events'][number] & OfServer)[]
  readonly records: readonly (Trace['records'][number] & OfServer)[]
  readonly looks: readonly (Trace['looks'][number] & OfServer)[]
  readonly omitted: number
  readonly servers?: readonly { readonly server: string; readonly problem: string | null }[]
}

const ofServer = ({ server }: OfServer): string => (server === undefined ? '' : ` of ${server}`)

function inText({ events, records, looks, servers = [] }: Found): string {
  const lines = looks.map(
    ({ place, found, ms, complete, back, problem, server }) =>
      `${PLACES[place]}${ofServer({ server })}: ${problem ?? `${found} found in ${Math.round(ms)} ms${complete ? '' : `, and the time ran out${back === undefined ? '' : ` at segments of ${back}`}`}`}`
  )
  for (const { server, problem } of servers) if (problem !== null) lines.push(`${server}: ${problem}`)
  for (const event of events) {
    if (event.server !== undefined) lines.push('', `taken by ${event.server}`)
    lines.push('', printable(`${event.type} ${event.name}`), `  ${event.outcome}, source ${event.source}`)
    if (event.sdk !== '') lines.push(`  sent by ${printable(event.sdk)} from ${event.address}`)
    if (event.fault !== null) lines.push(printable(`  ${event.fault.code}: ${event.fault.message}`))
    for (const { step, atMs, says } of event.journey) {
      lines.push(printable(`  ${event.receivedAt} +${atMs.toFixed(2)} ms  ${step.padEnd(9)}  ${says}`))
    }
    lines.push(...routingLines(event.routing))
  }
  for (const { place, line, value, server, routing } of records) {
    lines.push(
      '',
      `${describePlacement(place)}${ofServer({ server })}${line === undefined ? '' : `, line ${line}`}`,
      `  ${printable(value)}`,
      ...routingLines(routing)
    )
  }
  return lines.join('\n')
}

/** One line for each destination, and whose destinations these are. A server of an earlier version sends none. */
function routingLines(routing: Trace['events'][number]['routing']): string[] {
  if (routing === undefined || routing.destinations.length === 0) return []
  const { destinations, says } = routing
  const width = Math.max(...destinations.map(({ destination }) => destination.length))
  const rows = destinations.map(({ destination, sent, rule, says: words }) =>
    printable(
      `    ${destination.padEnd(width)}  ${sent ? 'sent    ' : 'not sent'}  ${rule === null ? '' : `${rule}: `}${words}`
    )
  )
  return [says === '' ? '  destinations:' : printable(`  destinations, ${says}:`), ...rows]
}
