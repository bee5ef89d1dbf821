import { writeResult } from '../../disk/write-result.ts'
import type { EventDetail } from '../../debugger/ring/detail.ts'
import type { EventRow } from '../../debugger/ring/row.ts'
import { suggest } from '../../config/suggest.ts'
import { adminClient } from '../admin-client.ts'
import type { AdminClient } from '../admin-client.ts'
import type { Command, ParsedArguments, Terminal } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { readDurationOption } from '../duration-option.ts'
import { printable } from '../printable.ts'
import { SERVER_HELP, SERVER_OPTIONS } from '../server-address.ts'
import { parseWanted, waitForExpected } from './expectation.ts'
import type { Expectation } from './expectation.ts'
import { checkSources, FILTER_HELP, FILTERS, filterQuery } from './filters.ts'
import { junitReport } from './junit.ts'
import { formatRow } from './format-row.ts'
import { countRefusedRequests, describeRefused } from './refused-requests.ts'
import type { RefusedCounts } from './refused-requests.ts'

const DEFAULT_TIMEOUT_MS = 10_000
const MAX_COUNT = 1_000
/** The most event names that a failure lists. */
const MAX_NAMES = 10

export const expect: Command = {
  help: `Usage: tributary expect [filters] [--where PATH=VALUE] [--count N | --none] [--timeout TIME] [--new] [--junit FILE] [--json]

Waits until a running server has received a matching event, and prints it. Exit code 0 as soon as there is one, 1 if the time is
up, 2 for wrong usage. Events in the server's memory count too, unless --new is given. Rejected events count only with
--outcome or --code. "--outcome rejected --none" without other filters also fails for a request that was refused before it
became events, for a wrong key or origin.

${FILTER_HELP}
  --where PATH=VALUE  a member of the event, by its path, and its value as JSON or text; may be repeated
  --count N       the number of events to wait for, at most ${MAX_COUNT} (default 1)
  --none          the opposite: exit code 1 as soon as one arrives, 0 if none has arrived when the time is up
  --new           only events that arrive from now on
  --timeout TIME  how long to wait, such as 500ms, 10s or 2m (default 10s)
  --junit FILE    write a JUnit report
  --json          one event per line, as JSON, with its payload
${SERVER_HELP}

Examples:
  tributary expect --event 'Order Completed' --timeout 10s
  tributary expect --event 'Order *' --where properties.currency=EUR --count 2 --junit report.xml
  tributary expect --outcome rejected --none --new --timeout 5s`,
  async run(args, terminal) {
    const texts = [...FILTERS, 'count', 'timeout', 'junit'].map(name => [name, { type: 'string' }] as const)
    const flags = ['json', 'new', 'none'].map(name => [name, { type: 'boolean' }] as const)
    const parsed = parseArguments(args, {
      options: {
        ...Object.fromEntries([...texts, ...flags]),
        where: { type: 'string', multiple: true },
        ...SERVER_OPTIONS
      }
    })
    const start = performance.now()
    const expectation = await readExpectation(parsed)
    const refusedBefore = parsed.flags.has('new') ? await countRefusedRequests(expectation.client) : new Map()
    const events = await waitForExpected(expectation)
    const failure = await failureOf(parsed, expectation, { events, refusedBefore })
    for (const event of events) terminal.out(parsed.flags.has('json') ? JSON.stringify(event) : formatRow(event))
    await report(parsed, { failure, seconds: (performance.now() - start) / 1000, terminal })
    if (failure !== undefined) throw new CommandFailed(failure)
  }
}

async function readExpectation(parsed: ParsedArguments): Promise<Expectation> {
  const { texts, flags, lists } = parsed
  const query = filterQuery(parsed)
  const wanted = (lists['where'] ?? []).map(parseWanted)
  if (query.size === 0 && wanted.length === 0) throw new UsageError('say what to expect: --event NAME, for instance')
  if (texts['outcome'] === undefined && texts['code'] === undefined) query.set('outcome', 'accepted')
  const count = Number(texts['count'] ?? 1)
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT)
    throw new UsageError(`--count must be a whole number from 1 to ${MAX_COUNT}`)
  if (flags.has('none') && texts['count'] !== undefined) throw new UsageError('--none and --count exclude each other')
  const timeoutMs = readDurationOption(parsed, 'timeout') ?? DEFAULT_TIMEOUT_MS
  const client = adminClient(parsed)
  await checkSources(parsed, client)
  const after = flags.has('new') ? await newest(client) : 0
  return { client, query, wanted, after, count, timeoutMs }
}

async function newest(client: AdminClient): Promise<number> {
  return ((await (await client.get('/api/events?limit=1')).json()) as { newest: number }).newest
}

/** The failure as text; undefined if everything is as expected. */
async function failureOf(
  parsed: ParsedArguments,
  { client, query, wanted, after, count, timeoutMs }: Expectation,
  { events, refusedBefore }: { readonly events: readonly EventDetail[]; readonly refusedBefore: RefusedCounts }
): Promise<string | undefined> {
  if (parsed.flags.has('none')) {
    const [first] = events
    if (first !== undefined) return `an event came that was not expected: ${formatRow(first)}`
    return mayBeRefused(query, wanted) ? describeRefused(await countRefusedRequests(client), refusedBefore) : undefined
  }
  if (events.length >= count) return undefined
  const missing = count === 1 ? 'no event fits' : `${events.length} of ${count} events fit`
  const refused = describeRefused(await countRefusedRequests(client), refusedBefore)
  const arrived = await nearby(client, after, parsed.texts['event'])
  return `${missing}, ${timeoutMs / 1000} s waited${arrived}${refused === undefined ? '' : `; ${refused}`}`
}

/** Whether a whole refused request could be what is looked for: it has an outcome, but no event. */
function mayBeRefused(query: URLSearchParams, wanted: readonly unknown[]): boolean {
  return query.size === 1 && wanted.length === 0 && query.get('outcome')?.split(',').includes('rejected') === true
}

/** The events that arrived instead: often a name differs in spelling, or the event was rejected. */
async function nearby(client: AdminClient, after: number, event = ''): Promise<string> {
  const path = `/api/events?limit=1000&order=asc&after=${after}`
  const { events } = (await (await client.get(path)).json()) as { readonly events: readonly EventRow[] }
  const counts = new Map<string, number>()
  for (const { type, name, outcome, code } of events) {
    const words = `${name === '' ? type : `${type} "${name}"`} ${code ?? outcome}`
    counts.set(words, (counts.get(words) ?? 0) + 1)
  }
  if (counts.size === 0) return '; no events came at all'
  const meant = suggest(
    event,
    events.map(({ name }) => name).filter(name => name !== event)
  )
  const seen = [...counts].slice(-MAX_NAMES).map(([words, times]) => `${words} (${times})`)
  const hint = meant === undefined || event === '' ? '' : `; did you mean "${meant}"?`
  return printable(`; what came: ${seen.join(', ')}${hint}`)
}

async function report(
  { texts, flags }: ParsedArguments,
  {
    failure,
    seconds,
    terminal
  }: { readonly failure: string | undefined; readonly seconds: number; readonly terminal: Terminal }
): Promise<void> {
  const file = texts['junit']
  if (file === undefined) return
  const given = FILTERS.flatMap(name => (texts[name] === undefined ? [] : [`${name} ${texts[name]}`]))
  const name = `${flags.has('none') ? 'none of' : 'expect'} ${given.join(', ') || 'an event'}`
  await writeResult(file, junitReport({ name, seconds, failure }))
  terminal.note(`${file}: written`)
}
