import type { ClientResult } from './client.ts'

export interface Row {
  readonly workload: string
  readonly subject: string
  readonly results: readonly (ClientResult & { cpu: number })[]
  /** At half of the best rate. */
  readonly half: ClientResult
  readonly eventLoopMs: number | undefined
  readonly peakRssMb: number
  readonly readyMs: number
}

/** CPU of the server per event, in microseconds: the median over the rounds. */
function cpuPerEvent({ results }: Row): number {
  const costs = results.map(({ cpu, events }) => cpu / events).sort((a, b) => a - b)
  return costs[Math.floor(costs.length / 2)] ?? Number.NaN
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
    const { p50, p99, p999 } = row.half.latenciesMs
    const cells = [
      row.subject,
      best.toFixed(0),
      bestEvents.toFixed(0),
      cpuPerEvent(row).toFixed(1),
      (cpuPerEvent(row) / floor).toFixed(2),
      p50.toFixed(1),
      p99.toFixed(1),
      p999.toFixed(1),
      row.eventLoopMs?.toFixed(1) ?? '',
      row.peakRssMb.toFixed(0),
      row.readyMs.toFixed(0),
      String(errors)
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
  }
}
