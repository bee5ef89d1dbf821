import type { Background } from '../../model/background.ts'
import { isSpooled, type Placement } from '../../model/sink.ts'
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

/** Searches for the records of a messageId until `signal` aborts. Rejects with a readable Error if it cannot search at all. */
export type FindRecords = (messageId: string, signal: AbortSignal) => Promise<FindResult>

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
 * Finds a messageId in memory, else in the log, else in the last hour of Kafka, else in the archive. Memory knows of a spooled event only that
 * it was written to disk, so its record is looked for in Kafka, else on disk. Problems of a place are part of the result.
 */
export async function trace(messageId: string, from: TraceOptions): Promise<Trace> {
  const { recent, places, mask, background, signal, explain } = from
  const start = performance.now()
  const wanted = { matches: createMatcher({ messageId }), limit: MAX_EVENTS, background, signal }
  const known = await collectEvents(recent.before(recent.nextSeq()), wanted)
  for (const stored of await collectEvents(recent.refused(), wanted)) {
    const isNew = !known.some(({ seq }) => seq === stored.seq)
    if (isNew && known.length < MAX_EVENTS) known.push(stored)
  }
  const looks: SearchAttempt[] = [
    { place: 'memory', ms: performance.now() - start, found: known.length, complete: true }
  ]
  const events: EventDetail[] = []
  for (const stored of known) events.push(await toDetail(stored, { mask, background, explain }))
  const records = await firstRecords(searchedAfter(events, places), { looks, messageId, from })
  return { messageId, events, records, looks }
}

/** The places to search after memory, in order. */
function searchedAfter(events: readonly EventDetail[], places: readonly Place[]): readonly Place[] {
  if (events.length === 0) return places
  if (!events.some(({ places }) => isSpooled(places))) return []
  return (['kafka', 'log'] as const).flatMap(wanted => places.filter(({ name }) => name === wanted))
}

/** The records in the first place that has any. Adds each search to `looks`. */
async function firstRecords(
  places: readonly Place[],
  {
    looks,
    messageId,
    from
  }: { readonly looks: SearchAttempt[]; readonly messageId: string; readonly from: TraceOptions }
): Promise<readonly ShownRecord[]> {
  const { explain, mask, background, signal } = from
  for (const { name, find } of places) {
    if (find === undefined || signal.aborted) continue
    const { look, records } = await lookInto(name, find, { messageId, signal })
    looks.push(look)
    if (records.length === 0) continue
    const shown: ShownRecord[] = []
    for (const one of withRoutings(records, { explain, mask }))
      shown.push({ ...one, value: await mask.inSlices(one.value, background) })
    return shown
  }
  return []
}

async function lookInto(
  place: Place['name'],
  find: FindRecords,
  { messageId, signal }: { readonly messageId: string; readonly signal: AbortSignal }
): Promise<{ look: SearchAttempt; records: readonly FoundRecord[] }> {
  const start = performance.now()
  try {
    const { records, complete, back } = await find(
      messageId,
      AbortSignal.any([signal, AbortSignal.timeout(PLACE_TIMEOUT_MS)])
    )
    const ms = performance.now() - start
    const reached = back === undefined ? {} : { back: new Date(back).toISOString() }
    return { look: { place, ms, found: records.length, complete, ...reached }, records }
  } catch (error) {
    const problem = (error as Error).message
    return { look: { place, ms: performance.now() - start, found: 0, complete: false, problem }, records: [] }
  }
}
