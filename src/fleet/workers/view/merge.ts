/** Merges answers of several workers. The functions take the answers of the workers' own routes. */
import type { ArchiveLevels } from '../../../model/operations/archive-levels.ts'
import type { Json } from './ask-all.ts'

const lists = (values: readonly Json[], name: string): Json[] => values.flatMap(value => value[name] as Json[])
const sum = (values: readonly unknown[]): number =>
  values.reduce<number>((total, value) => total + (typeof value === 'number' ? value : 0), 0)
const most = (values: readonly unknown[]): number =>
  values.reduce<number>((max, value) => Math.max(max, typeof value === 'number' ? value : 0), 0)

/** The sums of counts, by name. */
export function addCounts(all: readonly Readonly<Json>[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + Number(count)
  return total
}

/**
 * Merges the events of all workers in order. If a worker has more than it sent, events after its last one are left out.
 */
export function mergeEvents(
  values: readonly Json[],
  { limit, isAscending }: { readonly limit: number; readonly isAscending: boolean }
) {
  const seqOf = (row: Json): number => row['seq'] as number
  const direction = isAscending ? 1 : -1
  const rows = lists(values, 'events').sort((a, b) => direction * (seqOf(a) - seqOf(b)))
  const ends = values.flatMap(({ next }) => (typeof next === 'number' ? [next] : []))
  const end = ends.sort((a, b) => direction * (a - b))[0]
  const whole = end === undefined ? rows : rows.filter(row => direction * (seqOf(row) - end) <= 0)
  const events = whole.slice(0, limit)
  const isCut = end !== undefined || events.length < rows.length
  return { events, ...mergeKept(values), next: isCut ? seqOf(events.at(-1) ?? { seq: end }) : null }
}

export function mergeKept(values: readonly Json[]) {
  const numbers = (name: string): number[] => values.map(value => value[name] as number)
  return {
    newest: values.length === 0 ? 0 : Math.min(...numbers('newest')),
    oldest: values.length === 0 ? 0 : Math.min(...numbers('oldest')),
    kept: sum(numbers('kept'))
  }
}

const MAX_SAMPLES = 5

/** Merges groups with the same key: adds their counts, and keeps the latest samples. */
export function mergeGroups(
  groups: readonly Json[],
  { key, timeOf }: { key: (group: Json) => string; timeOf: (sample: Json) => number }
): Json[] {
  const byKey = Map.groupBy(groups, key)
  const merged = [...byKey.values()].map(same => {
    const samples = lists(same, 'samples').sort((a, b) => timeOf(b) - timeOf(a))
    const [latest = {}] = [...same].sort((a, b) => instant(b['lastAt']) - instant(a['lastAt']))
    return {
      ...latest,
      count: sum(same.map(({ count }) => count)),
      samples: samples.slice(0, MAX_SAMPLES),
      ...mergeSenders(same)
    }
  })
  return merged.sort((a, b) => instant((b as Json)['lastAt']) - instant((a as Json)['lastAt']))
}

function mergeSenders(same: readonly Json[]): Json {
  if (same[0]?.['sdks'] === undefined) return {}
  const sdks = addCounts(lists(same, 'sdks').map(({ sdk, count }) => ({ [String(sdk)]: count })))
  return {
    sources: [...new Set(same.flatMap(group => group['sources'] as string[]))],
    sdks: Object.entries(sdks)
      .map(([sdk, count]) => ({ sdk, count }))
      .sort((a, b) => b.count - a.count)
  }
}

/** RFC 3339 or milliseconds. */
function instant(value: unknown): number {
  return typeof value === 'number' ? value : Date.parse(String(value))
}

/** Merges sources by id: the events that they have sent to all workers. */
export function mergeSources(values: readonly Json[]): Json[] {
  const byId = Map.groupBy(lists(values, 'sources'), ({ id }) => String(id))
  return [...byId.values()].map(same => {
    const times = same.flatMap(({ lastEventAt }) => (typeof lastEventAt === 'string' ? [lastEventAt] : []))
    const sdks = new Map<string, number>()
    for (const { sdk, lastAt } of lists(same, 'sdks'))
      sdks.set(String(sdk), Math.max(sdks.get(String(sdk)) ?? 0, Number(lastAt)))
    return {
      ...same[0],
      outcomes: addCounts(same.map(({ outcomes }) => outcomes as Json)),
      lastEventAt: times.sort().at(-1) ?? null,
      sdks: [...sdks].map(([sdk, lastAt]) => ({ sdk, lastAt })).sort((a, b) => b.lastAt - a.lastAt)
    }
  })
}

export function mergeOutcomes(values: readonly Json[]): Json {
  const bySource = Map.groupBy(
    values.flatMap(({ sources }) => Object.entries(sources as Json)),
    ([source]) => source
  )
  return {
    sources: Object.fromEntries(
      [...bySource].map(([source, all]) => [source, addCounts(all.map(([, counts]) => counts as Json))])
    )
  }
}

/**
 * Merges the points of all workers: one for each interval that is over. Workers measure at different moments, so a
 * point is left out until all of them have had the time to send it.
 */
export function mergePoints(points: readonly Json[], { intervalMs, now }: { intervalMs: number; now: number }): Json[] {
  const byInterval = Map.groupBy(points, ({ at }) => Math.floor(Number(at) / intervalMs))
  return [...byInterval]
    .filter(([interval]) => (interval + 2) * intervalMs <= now)
    .sort(([a], [b]) => a - b)
    .map(([interval, same]) => {
      const published = same.flatMap(({ publishMs }) => (publishMs === null ? [] : [publishMs as Json]))
      const percentile = (name: string): number => most(published.map(value => value[name]))
      const backlogs = same.filter(({ backlogBytes }) => backlogBytes !== null)
      return {
        at: (interval + 1) * intervalMs,
        seconds: intervalMs / 1000,
        outcomes: addCounts(same.map(({ outcomes }) => outcomes as Json)),
        sources: addCounts(same.map(({ sources }) => sources as Json)),
        refusedRequests: sum(same.map(({ refusedRequests }) => refusedRequests)),
        publishMs: published.length === 0 ? null : { p50: percentile('p50'), p99: percentile('p99') },
        backlogBytes: backlogs.length === 0 ? null : sum(backlogs.map(({ backlogBytes }) => backlogBytes)),
        dedupeIds: most(same.map(({ dedupeIds }) => dedupeIds)),
        ready: same.some(({ ready }) => ready === true)
      }
    })
}

/** Merges the state in all workers' overviews, except health, which the primary knows. */
export function mergeState(values: readonly Json[]) {
  const states = values.map(({ state }) => state as Json)
  const backlogs = states.flatMap(({ backlog }) => (backlog === null ? [] : [backlog as Json]))
  const dedupes = states.map(({ dedupe }) => dedupe as Json)
  // The first worker has it, for all of them.
  const archive = states.map(state => state['archive']).find(Boolean) as ArchiveLevels | undefined
  const memories = values.map(({ memory }) => memory as Json)
  const added = (all: readonly Json[], name: string): number => sum(all.map(value => value[name]))
  return {
    backlog:
      backlogs.length === 0 ? undefined : { bytes: added(backlogs, 'bytes'), maxBytes: added(backlogs, 'maxBytes') },
    dedupe: { ids: most(dedupes.map(({ ids }) => ids)), maxIds: most(dedupes.map(({ maxIds }) => maxIds)) },
    archive,
    memory: { events: added(memories, 'events'), bytes: added(memories, 'bytes') }
  }
}
