/**
 * Merges the workers' catalogues and their lists of violations. The functions take the answers of the workers' own
 * routes.
 */
import type { SeenEvent, SeenProperty } from '../../../model/plans/catalogue.ts'
import type { ViolationCount } from '../../../model/plans/violation.ts'
import type { Json } from './ask-all.ts'
import { addCounts } from './merge.ts'

/** The most samples of a violation, as in one worker. */
const MAX_SAMPLES = 5

interface Span {
  readonly firstSeen: string
  readonly lastSeen: string
}

/** Times are RFC 3339 in UTC, so the order of the texts is the order of the times. */
function spanOf(all: readonly Span[]): Span {
  const first = all.map(({ firstSeen }) => firstSeen).toSorted()
  const last = all.map(({ lastSeen }) => lastSeen).toSorted()
  return { firstSeen: first[0] ?? '', lastSeen: last.at(-1) ?? '' }
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)
const droppedOf = (values: readonly Json[]): number => sumOf(values.map(({ dropped }) => Number(dropped)))

/** Merges answers of `/api/catalogue`, with or without properties. */
export function mergeCatalogues(values: readonly Json[]): Json {
  const all = values.flatMap(({ events }) => events as SeenEvent[])
  const byEvent = Map.groupBy(all, ({ source, type, name }) => JSON.stringify([source, type, name]))
  return { events: [...byEvent.values()].map(mergeSeen), dropped: droppedOf(values) }
}

function mergeSeen(same: readonly SeenEvent[]): object {
  const properties = same.flatMap(event => Object.entries((event as Partial<SeenEvent>).properties ?? {}))
  const isSummary = !same.some(event => Object.hasOwn(event, 'properties'))
  const byPath = Map.groupBy(properties, ([path]) => path)
  return {
    ...same[0],
    ...spanOf(same),
    events: sumOf(same.map(({ events }) => events)),
    sdks: addCounts(same.map(({ sdks }) => sdks)),
    isTruncated: same.some(({ isTruncated }) => isTruncated),
    ...(isSummary
      ? {}
      : {
          properties: Object.fromEntries(
            [...byPath].map(([path, of]) => [path, mergeProperty(of.map(([, one]) => one))])
          )
        })
  }
}

function mergeProperty(same: readonly SeenProperty[]): SeenProperty {
  return {
    ...spanOf(same),
    objects: sumOf(same.map(({ objects }) => objects)),
    types: addCounts(same.map(({ types }) => types))
  }
}

/** Merges answers of `/api/violations`, most frequent first. */
export function mergeViolations(values: readonly Json[]): Json {
  const all = values.flatMap(({ violations }) => violations as ViolationCount[])
  const groups = Map.groupBy(all, ({ source, type, name, kind, violation, field }) =>
    JSON.stringify([source, type, name, kind, violation, field])
  )
  const violations = [...groups.values()].map(same => {
    const inOrder = same.toSorted((a, b) => (a.lastSeen < b.lastSeen ? -1 : 1))
    return {
      ...inOrder.at(-1),
      ...spanOf(same),
      events: sumOf(same.map(({ events }) => events)),
      done: addCounts(same.map(({ done }) => done)),
      sdks: addCounts(same.map(({ sdks }) => sdks)),
      samples: inOrder.flatMap(({ samples }) => samples).slice(-MAX_SAMPLES)
    }
  })
  return { violations: violations.toSorted((a, b) => b.events - a.events), dropped: droppedOf(values) }
}
