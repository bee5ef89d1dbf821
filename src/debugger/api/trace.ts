import type { Background } from '../../model/background.ts'
import { type Placement, spooledSince } from '../../model/sink.ts'
import type { EventDetail } from '../ring/detail.ts'
import { toDetail } from '../ring/detail.ts'
import { createMatcher } from '../ring/filter.ts'
import type { Mask } from '../ring/mask.ts'
import type { ExplainRoute } from '../../model/route.ts'
import type { FoundRecord, ShownRecord } from './record-routing.ts'
import { withRoutings } from './record-routing.ts'
import type { RecentEvents } from '../ring/recent.ts'
import { collectEvents } from '../ring/search.ts'

export interface FindResult {
  readonly records: readonly FoundRecord[]
  /** False if the time ran out before everything was searched. */
  readonly complete: boolean
  /** If the time ran out: how far back everything was searched, in milliseconds since the epoch. */
  readonly back?: number
}

/**
 * Searches for the records of a messageId until `signal` aborts, in Kafka those of the last hour, or from `since` on if that is earlier. Rejects
 * with a readable Error if it cannot search at all.
 */
export type FindRecords = (messageId: string, signal: AbortSignal, since?: number) => Promise<FindResult>

/** The searches for a record that is not in memory. */
export interface Finders {
  readonly log: FindRecords
  /** Undefined without Kafka. */
  readonly kafka: FindRecords | undefined
  /** Undefined where this server has no archive. */
  readonly archive: FindRecords | undefined
  /** The line number of each place on disk; undefined for other places, and after `signal` aborts. */
  readonly linesOf: (places: readonly Placement[], signal: AbortSignal) => Promise<readonly (number | undefined)[]>
}

/** A place that is searched for a messageId that is not in memory, in this order. */
export interface Place {
  readonly name: 'log' | 'kafka' | 'archive'
  readonly find: FindRecords | undefined
}

/** One search of a place, and its result. */
export interface SearchAttempt {
  readonly place: 'memory' | Place['name']
  readonly ms: number
  readonly found: number
  readonly complete: boolean
  /** RFC 3339: how far back everything was searched before the time ran out. */
  readonly back?: string
  /** Why the place could not be searched. */
  readonly problem?: string
}

export interface Trace {
  readonly messageId: string
  /** Events in memory with this id, newest first: one for each time that it arrived. */
  readonly events: readonly EventDetail[]
  /** Records in other places; searched only if there is nothing in memory, or if an event there was spooled. */
  readonly records: readonly ShownRecord[]
  readonly looks: readonly SearchAttempt[]
}

export interface TraceOptions {
  readonly recent: RecentEvents
  readonly places: readonly Place[]
  /** Whether memory is searched first. */
  readonly inMemory: boolean
  /** Whether a spooled event that is in memory is also looked for in Kafka and on disk. */
  readonly followsSpooled: boolean
  /** How far back Kafka is searched at least, in milliseconds since the epoch; undefined: the last hour. */
  readonly since: number | undefined
  readonly mask: Mask
  readonly explain: ExplainRoute
  readonly background: Background
  /** Aborts when the client no longer waits for the answer. */
  readonly signal: AbortSignal
}

const MAX_EVENTS = 20
/** The time limit for each place. */
const PLACE_TIMEOUT_MS = 5_000

/**
 * Finds a messageId in memory, else in the log, else in the last hour of Kafka, else in the archive. Memory does not know where a spooled
 * event is now, so that one is also looked for in Kafka and on disk. Problems of a place are part of the result.
 */
export async function trace(messageId: string, from: TraceOptions): Promise<Trace> {
  const looks: SearchAttempt[] = []
  const events = from.inMemory ? await eventsInMemory(messageId, from, looks) : []
  const since = from.followsSpooled ? spooledSince(events) : undefined
  const search = { messageId, looks, from, since: since ?? from.since }
  if (events.length === 0) return { messageId, events, records: await firstRecords(search), looks }
  return { messageId, events, records: since === undefined ? [] : await recordsOfSpooled(search), looks }
}

async function eventsInMemory(messageId: string, from: TraceOptions, looks: SearchAttempt[]): Promise<EventDetail[]> {
  const { recent, mask, background, signal, explain } = from
  const start = performance.now()
  const wanted = { matches: createMatcher({ messageId }), limit: MAX_EVENTS, background, signal }
  const known = await collectEvents(recent.before(recent.nextSeq()), wanted)
  for (const stored of await collectEvents(recent.refused(), wanted)) {
    const isNew = !known.some(({ seq }) => seq === stored.seq)
    if (isNew && known.length < MAX_EVENTS) known.push(stored)
  }
  looks.push({ place: 'memory', ms: performance.now() - start, found: known.length, complete: true })
  const events: EventDetail[] = []
  for (const stored of known) events.push(await toDetail(stored, { mask, background, explain }))
  return events
}

interface Search {
  readonly messageId: string
  /** Gets each search. */
  readonly looks: SearchAttempt[]
  readonly since: number | undefined
  readonly from: TraceOptions
}

/** The records in the first place that has any. */
async function firstRecords(search: Search): Promise<readonly ShownRecord[]> {
  const { places, signal } = search.from
  for (const { name, find } of places) {
    if (find === undefined || signal.aborted) continue
    const records = await lookInto(name, find, search)
    if (records.length > 0) return await shown(records, search.from)
  }
  return []
}

/** The records in Kafka and those on disk: an event for several topics may be in both. */
async function recordsOfSpooled(search: Search): Promise<readonly ShownRecord[]> {
  const found = (['kafka', 'log'] as const).map(async wanted => {
    const find = search.from.places.find(({ name }) => name === wanted)?.find
    return find === undefined ? [] : await lookInto(wanted, find, search)
  })
  return await shown((await Promise.all(found)).flat(), search.from)
}

async function shown(
  records: readonly FoundRecord[],
  { explain, mask, background }: TraceOptions
): Promise<readonly ShownRecord[]> {
  const all: ShownRecord[] = []
  for (const one of withRoutings(records, { explain, mask }))
    all.push({ ...one, value: await mask.inSlices(one.value, background) })
  return all
}

async function lookInto(
  place: Place['name'],
  find: FindRecords,
  { messageId, since, looks, from }: Search
): Promise<readonly FoundRecord[]> {
  const start = performance.now()
  const signal = AbortSignal.any([from.signal, AbortSignal.timeout(PLACE_TIMEOUT_MS)])
  try {
    const { records, complete, back } = await find(messageId, signal, since)
    const reached = back === undefined ? {} : { back: new Date(back).toISOString() }
    looks.push({ place, ms: performance.now() - start, found: records.length, complete, ...reached })
    return records
  } catch (error) {
    const problem = (error as Error).message
    looks.push({ place, ms: performance.now() - start, found: 0, complete: false, problem })
    return []
  }
}
