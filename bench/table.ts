import type { ClientResult } from './client.ts'

export interface Memory {
  readonly rssMb: number
  /** The heap by space, as reserved, and the memory outside the heap. Empty for a subject without metrics. */
  readonly kinds: readonly { readonly kind: string; readonly mb: number }[]
}

export interface Row {
  readonly workload: string
  readonly subject: string
  /** By round, like all lists here. */
  readonly results: (ClientResult & { cpu: number })[]
  /** At half of the best rate. */
  readonly halves: ClientResult[]
  /** The 99th percentile of the event loop's delay at full load. */
  readonly eventLoopMs: number[]
  /** CPU microseconds per event in the first seconds after the start. */
  cold: number
  peakRssMb: number
  /** At the end of the workload. */
  memory: Memory | undefined
  readonly readyMs: number
}

/** The server's CPU time for an event, in microseconds, by round. */
function cpuPerEvent({ results }: Row): number[] {
  return results.map(({ cpu, events }) => cpu / events)
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

const HEAD = [
  'subject',
  'req/s',
  'events/s',
  'CPU us/event',
  'cold',
  'ratio',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'loop p99 ms',
  'peak RSS MB',
  'RSS MB',
  'ready ms',
  'errors'
]

/**
 * Prints one workload's subjects as a Markdown table of medians. Ratios are to the first subject, the bare reference.
 */
export function printTable(rows: readonly Row[]): void {
  const [reference] = rows
  if (reference === undefined) return
  const floors = cpuPerEvent(reference)
  process.stdout.write(`\n### ${reference.workload}\n\n| ${HEAD.join(' | ')} |\n|${HEAD.map(() => '---').join('|')}|\n`)
  for (const row of rows) {
    const best = Math.max(...row.results.map(({ requests, seconds }) => requests / seconds))
    const bestEvents = Math.max(...row.results.map(({ events, seconds }) => events / seconds))
    const errors = row.results.reduce((sum, result) => sum + result.errors, 0)
    const latency = (name: keyof ClientResult['latenciesMs']): string =>
      median(row.halves.map(({ latenciesMs }) => latenciesMs[name])).toFixed(1)
    const eventLoopMs = median(row.eventLoopMs)
    const cpu = cpuPerEvent(row)
    // The ratio within one round, because the machine is slower in some rounds.
    const ratios = cpu.map((each, round) => each / (floors[round] as number))
    const cells = [
      row.subject,
      best.toFixed(0),
      bestEvents.toFixed(0),
      median(cpu).toFixed(1),
      row.cold.toFixed(1),
      median(ratios).toFixed(2),
      latency('p50'),
      latency('p99'),
      latency('p999'),
      Number.isNaN(eventLoopMs) ? '' : eventLoopMs.toFixed(1),
      row.peakRssMb.toFixed(0),
      row.memory?.rssMb.toFixed(0) ?? '',
      row.readyMs.toFixed(0),
      String(errors)
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
  }
  for (const { subject, memory } of rows) printMemory(subject, memory)
}

/** Prints one line for a subject that reports its memory by kind. Kinds under 1 MB are left out. */
function printMemory(subject: string, memory: Memory | undefined): void {
  const kinds = memory?.kinds.filter(({ mb }) => mb >= 1).map(({ kind, mb }) => `${kind} ${mb.toFixed(0)}`) ?? []
  if (kinds.length > 0) process.stdout.write(`\nMemory of ${subject}, MB: ${kinds.join(', ')}\n`)
}
