import type { ArchiveLevels } from '../../model/operations/archive-levels.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { SinkHealth } from '../../model/sink.ts'
import type { Observations } from './observations.ts'
import type { RecentEvents } from './recent.ts'

export interface DiskState {
  readonly freeBytes: number
  readonly sizeBytes: number
  /** Milliseconds until the log fills the disk at its present rate; undefined: it does not. */
  readonly fullInMs: number | undefined
}

/** The state of the server at one moment. */
export interface Probe {
  readonly health: SinkHealth
  readonly draining: boolean
  /** Bytes that Kafka has not confirmed yet, and their limit; undefined without Kafka. */
  readonly backlog: { readonly bytes: number; readonly maxBytes: number } | undefined
  /** The messageIds of the source that has most of them, and the limit for a source. */
  readonly dedupe: { readonly ids: number; readonly maxIds: number }
  /** The disk of DATA_DIR; undefined while it cannot be read. */
  readonly disk: DiskState | undefined
  /** Of ARCHIVE; undefined where this server has none. */
  readonly archive: ArchiveLevels | undefined
}

/** One interval: the counts of the interval, and the levels at its end. */
export interface Point {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly seconds: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** Events by source, for sources that have sent something. */
  readonly sources: Readonly<Record<string, number>>
  readonly refusedRequests: number
  /** Milliseconds until a write was confirmed; null if nothing was written. */
  readonly publishMs: { readonly p50: number; readonly p99: number } | null
  readonly backlogBytes: number | null
  readonly dedupeIds: number
  readonly ready: boolean
}

export interface History {
  /** The last hour, oldest first. */
  points(): readonly Point[]
  stop(): void
}

export const INTERVAL_MS = 2_000
const MAX_POINTS = (60 * 60 * 1000) / INTERVAL_MS

/** Keeps the last hour in memory, one point every two seconds. */
export function createHistory(options: {
  readonly seen: Observations
  readonly probe: () => Probe
  readonly now: () => number
}): History {
  const { seen, probe, now } = options
  const points: Point[] = []
  let before = totals(seen.recent)
  let lastAt = now()

  function take(): void {
    const { outcomes, sources } = totals(seen.recent)
    const { health, draining, backlog, dedupe } = probe()
    const { publishMs, refusedRequests } = seen.take()
    const at = now()
    points.push({
      at,
      seconds: Math.max(0.001, (at - lastAt) / 1000),
      outcomes: subtract(outcomes, before.outcomes),
      sources: Object.fromEntries(Object.entries(subtract(sources, before.sources)).filter(([, count]) => count > 0)),
      refusedRequests,
      publishMs: percentiles(publishMs),
      backlogBytes: backlog?.bytes ?? null,
      dedupeIds: dedupe.ids,
      ready: health.ready && !draining
    })
    if (points.length > MAX_POINTS) points.shift()
    before = { outcomes, sources }
    lastAt = at
  }

  const timer = setInterval(take, INTERVAL_MS).unref()
  return { points: () => points, stop: () => clearInterval(timer) }
}

interface Totals {
  readonly outcomes: Record<Outcome, number>
  readonly sources: Record<string, number>
}

function totals(recent: RecentEvents): Totals {
  const outcomes = Object.fromEntries(OUTCOMES.map(name => [name, 0])) as Record<Outcome, number>
  const sources: Record<string, number> = {}
  for (const [source, tally] of recent.tallies()) {
    let sum = 0
    for (const name of OUTCOMES) {
      outcomes[name] += tally.outcomes[name]
      sum += tally.outcomes[name]
    }
    sources[source] = sum
  }
  return { outcomes, sources }
}

function subtract<K extends string>(now: Record<K, number>, before: Partial<Record<K, number>>): Record<K, number> {
  const entries = Object.entries<number>(now).map(([name, value]) => [name, value - (before[name as K] ?? 0)])
  return Object.fromEntries(entries) as Record<K, number>
}

function percentiles(values: readonly number[]): Point['publishMs'] {
  if (values.length === 0) return null
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}
