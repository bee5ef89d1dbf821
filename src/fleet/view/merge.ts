import { type PlacedRecord, spooledSince } from '../../model/search/stored-search.ts'
import type { MemberAnswer } from './ask.ts'

/** A server that was asked, and its problem if it has not answered. */
export interface AskedServer {
  readonly server: string
  readonly problem: string | null
}

type Row = Readonly<Record<string, unknown>>

const rowsOf = (body: unknown, name: string): readonly Row[] => {
  const rows = (body as Record<string, unknown> | undefined)?.[name]
  return Array.isArray(rows) ? (rows as Row[]) : []
}

const textOf = (row: Row, name: string): string => {
  const value = row[name]
  return typeof value === 'string' ? value : ''
}

/** The rows of a list in each answer, each with its server. */
function gather(answers: readonly MemberAnswer[], name: string): Row[] {
  return answers.flatMap(({ server, body }) => rowsOf(body, name).map(row => ({ server, ...row })))
}

function askedServers(answers: readonly MemberAnswer[]): AskedServer[] {
  return answers.map(({ server, problem }) => ({ server, problem: problem ?? null }))
}

/**
 * Merges answers of `/api/events`: newest first, at most `limit`. Each is by server, as a number: `newest`, for the live stream, and
 * `next`, where the rest begins, for those that have more.
 */
export function mergeEvents(answers: readonly MemberAnswer[], limit: number): object {
  const lists = answers.map(answer => ({ answer, rows: gather([answer], 'events') }))
  const events = lists
    .flatMap(({ rows }) => rows)
    .toSorted((a, b) => compare(textOf(b, 'receivedAt'), textOf(a, 'receivedAt')))
    .slice(0, limit)
  const shown = new Set(events)
  const next = lists.flatMap(({ answer, rows }) => {
    const rest = rows.filter(row => !shown.has(row)).map(row => Number(row['seq']))
    return rest.length > 0 ? [[answer.server, Math.max(...rest) + 1] as const] : numberOf(answer, 'next')
  })
  const newest = answers.flatMap(answer => numberOf(answer, 'newest'))
  return {
    events,
    newest: Object.fromEntries(newest),
    next: next.length === 0 ? null : Object.fromEntries(next),
    servers: askedServers(answers)
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The number of this name in an answer, with its server; nothing if it has none. */
function numberOf({ server, body }: MemberAnswer, name: string): (readonly [string, number])[] {
  const number = (body as Row | undefined)?.[name]
  return typeof number === 'number' ? [[server, number]] : []
}

/** Merges answers of `/api/rejections`. Each group belongs to one server. */
export function mergeRejections(answers: readonly MemberAnswer[]): object {
  return { events: gather(answers, 'events'), requests: gather(answers, 'requests'), servers: askedServers(answers) }
}

/** Sums answers of `/api/outcomes`. */
export function mergeOutcomes(answers: readonly MemberAnswer[]): object {
  const sources: Record<string, Record<string, number>> = {}
  for (const { body } of answers) {
    const counted = (body as { sources?: Record<string, Record<string, number>> } | undefined)?.sources ?? {}
    for (const [source, outcomes] of Object.entries(counted)) {
      const sums = (sources[source] ??= {})
      for (const [outcome, count] of Object.entries(outcomes)) sums[outcome] = (sums[outcome] ?? 0) + count
    }
  }
  return { sources, servers: askedServers(answers) }
}

/** Merges answers of `/api/overview`: each server's state, without its points. */
export function mergeOverview(answers: readonly MemberAnswer[]): object {
  const overviews = answers.flatMap(({ server, body }) => {
    if (body === undefined) return []
    const { state, advice, version, destination } = body as Row
    return [{ server, version, destination, state, advice }]
  })
  return { overviews, servers: askedServers(answers) }
}

/** Merges answers of `/api/trace/{messageId}`. */
export function mergeTraces(messageId: string, answers: readonly MemberAnswer[]): object {
  const omitted = answers.reduce((sum, { body }) => sum + Number((body as Row | undefined)?.['omitted'] ?? 0), 0)
  return {
    messageId,
    events: gather(answers, 'events'),
    records: gather(answers, 'records').toSorted((a, b) => Number(isInKafka(b)) - Number(isInKafka(a))),
    looks: gather(answers, 'looks'),
    omitted,
    servers: askedServers(answers)
  }
}

const isInKafka = ({ place }: Row): boolean => (place as PlacedRecord['place']).store === 'kafka'

/** The first answers of servers to a search, with what they found later in their archives. A server that has none looked nowhere. */
export function withArchives(first: readonly MemberAnswer[], later: readonly MemberAnswer[]): MemberAnswer[] {
  return first.map(one => {
    const more = later.find(({ server }) => server === one.server)
    if (more === undefined) return one
    if (more.body === undefined) return { ...one, problem: one.problem ?? more.problem }
    // It was too slow the first time: what it found in the archive stands alone.
    if (one.body === undefined) return more
    const looks = [
      ...rowsOf(one.body, 'looks'),
      ...rowsOf(more.body, 'looks').filter(({ place }) => place === 'archive')
    ]
    return { ...one, body: { ...more.body, looks } }
  })
}

/** See spooledSince(): of the events in memory and the records on disk. */
export function spooledSinceOf(answers: readonly MemberAnswer[]): number | undefined {
  return spooledSince(gather(answers, 'events'), gather(answers, 'records') as unknown as readonly PlacedRecord[])
}

/** Whether a server remembers an event as spooled. It has then not searched its disk. */
export function remembersSpooled({ body }: MemberAnswer): boolean {
  return spooledSince(rowsOf(body, 'events')) !== undefined
}

/** The first answers of servers to a search, with the records that they found in a second one. */
export function withRecords(first: readonly MemberAnswer[], later: readonly MemberAnswer[]): MemberAnswer[] {
  return first.map(one => {
    const more = later.filter(({ server }) => server === one.server).map(({ body }) => body)
    if (one.body === undefined || more.length === 0) return one
    const both = (name: string): readonly Row[] => [one.body, ...more].flatMap(body => rowsOf(body, name))
    return { ...one, body: { ...(one.body as Row), records: both('records'), looks: both('looks') } }
  })
}

/** Whether a trace has found anything. */
export function hasFound(answers: readonly MemberAnswer[]): boolean {
  return answers.some(({ body }) => rowsOf(body, 'events').length + rowsOf(body, 'records').length > 0)
}
