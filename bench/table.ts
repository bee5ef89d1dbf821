import type { ClientResult } from './client.ts'

export interface Row {
  readonly workload: string
  readonly subject: string
  /** By round, as all lists here. */
  readonly results: (ClientResult & { cpu: number })[]
  /** At half of the best rate. */
  readonly halves: ClientResult[]
  /** The 99th percentile of the event loop's delay at full load. */
  readonly eventLoopMs: number[]
  peakRssMb: number
  readonly readyMs: number
}

/** CPU of the server per event, in microseconds: the median over the rounds. */
function cpuPerEvent({ results }: Row): number {
  return median(results.map(({ cpu, events }) => cpu / events))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

const HEAD = [
  'subject',
  'req/s',
  'events/s',
  'CPU us/event',
  'ratio',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'loop p99 ms',
  'peak RSS MB',
  'ready ms',
  'errors'
]

/** One workload's subjects as a Markdown table; ratios are to the first subject, the bare reference. */
export function printTable(rows: readonly Row[]): void {
  const [reference] = rows
  if (reference === undefined) return
  const floor = cpuPerEvent(reference)
  process.stdout.write(`\n### ${reference.workload}\n\n| ${HEAD.join(' | ')} |\n|${HEAD.map(() => '---').join('|')}|\n`)
  for (const row of rows) {
    const best = Math.max(...row.results.map(({ requests, seconds }) => requests / seconds))
    const bestEvents = Math.max(...row.results.map(({ events, seconds }) => events / seconds))
    const errors = row.results.reduce((sum, result) => sum + result.errors, 0)
    const latency = (name: keyof ClientResult['latenciesMs']): string =>
      median(row.halves.map(({ latenciesMs }) => latenciesMs[name])).toFixed(1)
    const eventLoopMs = median(row.eventLoopMs)
    const cells = [
      row.subject,
      best.toFixed(0),
      bestEvents.toFixed(0),
      cpuPerEvent(row).toFixed(1),
      (cpuPerEvent(row) / floor).toFixed(2),
      latency('p50'),
      latency('p99'),
      latency('p999'),
      Number.isNaN(eventLoopMs) ? '' : eventLoopMs.toFixed(1),
      row.peakRssMb.toFixed(0),
      row.readyMs.toFixed(0),
      String(errors)
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
  }
}
