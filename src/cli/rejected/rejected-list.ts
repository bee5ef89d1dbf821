import { counted } from '../counted.ts'
import { printable } from '../printable.ts'
import { readEnvironment } from '../../config/env/environment.ts'
import type { Command, Terminal } from '../command.ts'
import { parseArguments, UsageError } from '../command.ts'
import { addressOf } from './address.ts'
import { parseExactly } from './exact-json.ts'
import type { Rejection } from './rejected.ts'
import { bodyOf, FILTER_HELP, FILTER_OPTIONS, readFilter, readRejections } from './rejected.ts'

const DEFAULT_SAMPLES = 3
const MAX_SAMPLE_CHARS = 300
/** The most sources, and the most SDKs, that are listed for one reason. */
const MAX_NAMED = 5

export const rejectedList: Command = {
  help: `Usage: tributary rejected list [--open] [--samples N | --json] [filters]

Shows refused events: their number by reason, with their sources and SDKs, and the latest of each reason. A body that
was refused as a whole counts as one; "rejected retry --salvage" extracts its events. Each has an ID,
which "rejected show" takes: the messageId, if it has one.

  --samples N       the number of events to show for each reason (default: ${DEFAULT_SAMPLES})
  --json            print only the rejected records, one per line
${FILTER_HELP}

Examples:
  tributary rejected list --since 24h
  tributary rejected list --open
  tributary rejected list --code no_user_anon_id --source web --samples 10
  tributary rejected list --json | jq -r .event.event | sort | uniq -c`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { ...FILTER_OPTIONS, samples: { type: 'string' }, json: { type: 'boolean' } }
    })
    const config = readEnvironment()
    const filter = readFilter(parsed, config)
    const samples = parsed.texts['samples'] ?? String(DEFAULT_SAMPLES)
    if (!/^\d{1,4}$/.test(samples)) throw new UsageError('--samples is a whole number')
    const rejections = readRejections(config, filter)
    if (parsed.flags.has('json')) for await (const { json } of rejections) terminal.out(json)
    else show(await sum(rejections, Number(samples)), { terminal, isOpen: filter.isOpen })
  }
}

/** All rejections of one reason. */
interface Reason {
  events: number
  bodies: number
  first: string
  last: string
  readonly message: string
  readonly sources: Set<string>
  readonly libraries: Set<string>
  /** The latest. */
  readonly samples: Rejection[]
}

async function sum(rejections: AsyncIterable<Rejection>, samples: number): Promise<Map<string, Reason>> {
  const reasons = new Map<string, Reason>()
  for await (const rejection of rejections) {
    const { code, message, receivedAt, source, library } = rejection
    let reason = reasons.get(code)
    if (reason === undefined) {
      const none = { events: 0, bodies: 0, first: receivedAt, last: receivedAt, message }
      reasons.set(code, (reason = { ...none, sources: new Set(), libraries: new Set(), samples: [] }))
    }
    if (rejection.kind === 'body') reason.bodies++
    else reason.events++
    if (receivedAt < reason.first) reason.first = receivedAt
    if (receivedAt > reason.last) reason.last = receivedAt
    addBounded(reason.sources, source)
    addBounded(reason.libraries, [library.name ?? 'unknown', library.version].filter(Boolean).join(' '))
    keepLatest(reason.samples, rejection, samples)
  }
  return reasons
}

/** Keeps the latest rejections. Kafka's partitions are read one after another, so the last one read may not be the latest. */
function keepLatest(samples: Rejection[], rejection: Rejection, most: number): void {
  const at = samples.findLastIndex(({ receivedAt }) => receivedAt <= rejection.receivedAt) + 1
  samples.splice(at, 0, rejection)
  if (samples.length > most) samples.shift()
}

function addBounded(names: Set<string>, name: string): void {
  if (names.size < MAX_NAMED) names.add(name)
  else if (!names.has(name)) names.add('...')
}

function show(
  reasons: Map<string, Reason>,
  { terminal, isOpen }: { readonly terminal: Terminal; readonly isOpen: boolean }
): void {
  const all = [...reasons].sort(([, a], [, b]) => b.events + b.bodies - a.events - a.bodies)
  const events = all.reduce((sum, [, reason]) => sum + reason.events, 0)
  const bodies = all.reduce((sum, [, reason]) => sum + reason.bodies, 0)
  const words = counted(events, 'rejected event')
  const total = bodies === 0 ? words : `${words}, ${bodies} rejected ${bodies === 1 ? 'body' : 'bodies'}`
  terminal.out(isOpen ? `${total} not sent again` : total)
  for (const [code, reason] of all) {
    const { first, last, message, sources, libraries, samples } = reason
    terminal.out(`\n${code}: ${reason.events + reason.bodies} (${message})`)
    terminal.out(`  received  ${first === last ? first : `${first} to ${last}`}`)
    terminal.out(`  sources   ${[...sources].join(', ')}\n  SDKs      ${printable([...libraries].join(', '))}`)
    for (const sample of samples) {
      const { receivedAt, source, pointer } = sample
      terminal.out(`  ${receivedAt} ${source} ${printable(pointer === '' ? '-' : pointer)} ${sampleOf(sample)}`)
      terminal.out(`    ID ${printable(addressOf(sample))}`)
    }
  }
}

function sampleOf(rejection: Rejection): string {
  const { event, encoding, json } = rejection
  const body = bodyOf(rejection)
  const isBytes = typeof event === 'string' && encoding === 'base64'
  const shown = isBytes ? Buffer.from(event, 'base64').toString() : exactEvent(json)
  const text = printable(body === undefined ? shown : `body: ${body.toString()}`)
  return text.length > MAX_SAMPLE_CHARS ? `${text.slice(0, MAX_SAMPLE_CHARS)}...` : text
}

/** The event as the client spelled it: 12345678901234567890 stays what it is. @param json the rejected record */
function exactEvent(json: string): string {
  return JSON.stringify((parseExactly(json) as { readonly event: unknown }).event)
}
