import { setTimeout as sleep } from 'node:timers/promises'
import { adminClient } from '../admin-client.ts'
import type { AdminClient } from '../admin-client.ts'
import { formatColumns } from '../format-columns.ts'
import type { Command } from '../command.ts'
import { parseArguments, UsageError } from '../command.ts'
import { readDurationOption } from '../duration-option.ts'
import { SERVER_HELP, SERVER_OPTIONS } from '../server-address.ts'
import type { Sample } from './metrics-text.ts'
import { parseMetrics } from './metrics-text.ts'

const DEFAULT_INTERVAL_MS = 1_000
const MOVE_HOME_AND_CLEAR = '\u001b[H\u001b[J'

/** One screen. Rates are events per second since the screen before. */
export interface Traffic {
  /** RFC 3339. */
  readonly at: string
  readonly sources: readonly Row[]
  readonly destinations: readonly Row[]
  readonly lanes: {
    readonly late: number
    /** Bytes on disk that Kafka has not confirmed. */
    readonly backlogBytes: number
    /** Bytes of events in flight, by sink. */
    readonly queueBytes: Readonly<Record<string, number>>
  }
  readonly isReady: boolean
}

interface Row {
  readonly name: string
  readonly outcome: string
  readonly perSecond: number
  /** The number of events since the server's start. */
  readonly total: number
}

export const top: Command = {
  help: `Usage: tributary top [--interval TIME] [--count N] [--json]

Shows the traffic of a running server by source and outcome, by destination, and in the lanes to Kafka, until Ctrl-C.
Rates are in events per second; totals count from the server's start.

  --interval TIME  the time between readings (default 1s)
  --count N        end after N readings
  --json           one reading per line, as JSON
${SERVER_HELP}

Examples:
  tributary top
  tributary top --count 1 --json | jq '.sources[] | select(.outcome == "rejected")'`,
  async run(args, terminal) {
    const options = { interval: { type: 'string' }, count: { type: 'string' }, json: { type: 'boolean' } } as const
    const parsed = parseArguments(args, { options: { ...options, ...SERVER_OPTIONS } })
    const intervalMs = readDurationOption(parsed, 'interval') ?? DEFAULT_INTERVAL_MS
    const count = Number(parsed.texts['count'] ?? Infinity)
    if (!(count >= 1)) throw new UsageError('--count must be a whole number of 1 or more')
    const client = adminClient(parsed)
    const clear = process.stdout.isTTY ? MOVE_HOME_AND_CLEAR : ''
    let before = await look(client)
    for (let done = 0; done < count; done++) {
      await sleep(intervalMs)
      const now = await look(client)
      const traffic = compare(before, now)
      terminal.out(parsed.flags.has('json') ? JSON.stringify(traffic) : `${clear}${inText(traffic)}`)
      before = now
    }
  }
}

interface Look {
  readonly atMs: number
  readonly samples: readonly Sample[]
}

async function look(client: AdminClient): Promise<Look> {
  const text = await (await client.get('/metrics')).text()
  return { atMs: performance.now(), samples: parseMetrics(text) }
}

/** The traffic between two readings. */
function compare(before: Look, now: Look): Traffic {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000)
  const rows = (metric: string, label: string): Row[] => {
    const [was, is] = [totals(before, metric, label), totals(now, metric, label)]
    return [...is].map(([key, total]) => {
      const [name = '', outcome = ''] = JSON.parse(key) as string[]
      // A restarted server counts from 0 again.
      const more = total - (was.get(key) ?? 0)
      return { name, outcome, perSecond: Math.round((more < 0 ? total : more) / seconds), total }
    })
  }
  const gauge = (metric: string): number => now.samples.find(({ name }) => name === metric)?.value ?? 0
  const queues = now.samples.filter(({ name }) => name === 'tributary_queue_bytes')
  return {
    at: new Date().toISOString(),
    sources: rows('tributary_events_total', 'source'),
    destinations: rows('tributary_destination_events_total', 'destination'),
    lanes: {
      late: gauge('tributary_late_lanes'),
      backlogBytes: gauge('tributary_backlog_bytes'),
      queueBytes: Object.fromEntries(queues.map(({ labels, value }) => [labels['sink'] ?? '', value]))
    },
    isReady: gauge('tributary_ready') === 1
  }
}

/** The values of a metric by one label, summed over all other labels. */
function totals({ samples }: Look, metric: string, label: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { name, labels, value } of samples) {
    if (name !== metric) continue
    const key = JSON.stringify([labels[label] ?? '', labels['outcome'] ?? ''])
    sums.set(key, (sums.get(key) ?? 0) + value)
  }
  return sums
}

function inText({ at, sources, destinations, lanes, isReady }: Traffic): string {
  const cells = ({ name, outcome, perSecond, total }: Row): string[] => [
    name,
    outcome,
    String(perSecond),
    String(total)
  ]
  const table = (title: string, rows: readonly Row[]): string[] =>
    rows.length === 0 ? [] : ['', formatColumns([[title, 'OUTCOME', 'A SECOND', 'TOTAL'], ...rows.map(cells)])]
  const queues = Object.entries(lanes.queueBytes).map(([sink, bytes]) => `${sink} ${bytes}`)
  return [
    `${at}  ${isReady ? 'ready' : 'NOT READY: events are answered with 503'}`,
    ...table('SOURCE', sources),
    ...table('DESTINATION', destinations),
    '',
    `lanes behind ${lanes.late}, bytes on disk for Kafka ${lanes.backlogBytes}, bytes on their way ${queues.join(', ') || '0'}`
  ].join('\n')
}
