import type { Background } from '../../model/background.ts'
import { searchStored, spooledSince, type StoredPlace } from '../../model/search/stored-search.ts'
import type { Placement } from '../../model/sink.ts'
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

/** A place that may be searched for a messageId that is not in memory. */
export interface Place {
  readonly name: StoredPlace
  readonly find: FindRecords | undefined
}

/** One search of a place, and its result. */
export interface SearchAttempt {
  readonly place: 'memory' | StoredPlace
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
 * event is now, so that one is searched for as if it were not in memory. Problems of a place are part of the result.
 */
export async function trace(messageId: string, from: TraceOptions): Promise<Trace> {
  const looks: SearchAttempt[] = []
  const events = from.inMemory ? await eventsInMemory(messageId, from, looks) : []
  const since = from.followsSpooled ? spooledSince(events) : undefined
  if (events.length > 0 && since === undefined) return { messageId, events, records: [], looks }
  const search = { messageId, looks, from }
  const records = await searchStored((place, earliest) => lookInto(place, earliest, search), since ?? from.since)
  return { messageId, events, records: await shown(records, from), looks }
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
  readonly from: TraceOptions
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

/** The records in a place; none if it is not to be searched. */
async function lookInto(
  place: StoredPlace,
  since: number | undefined,
  { messageId, looks, from }: Search
): Promise<readonly FoundRecord[]> {
  const find = from.places.find(({ name }) => name === place)?.find
  if (find === undefined || from.signal.aborted) return []
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
