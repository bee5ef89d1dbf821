import type { Fault } from '../../model/reasons.ts'
import type { IngestRequest, PipelineOptions } from './contract.ts'
import type { RequestFacts } from '../enrich/encode.ts'
import { createFacts } from '../enrich/encode.ts'
import { EventEntry } from './entry.ts'
import type { GoodEvent } from '../judge/good-event.ts'
import type { BadEvent } from '../judge/judge.ts'
import { judgeEvent } from '../judge/judge.ts'
import type { Governor } from '../govern/governance.ts'
import { JudgedRequest } from '../govern/judged-request.ts'

/** A request with a larger body is processed in pieces. */
const LARGE_BODY_BYTES = 128 * 1024
/** The events of a piece: they take about a millisecond, or three if each of them is refused. */
export const EVENTS_AT_ONCE = 250

/** Whether a request is processed in pieces, so that it does not block the event loop. */
export function isLarge({ body }: IngestRequest): boolean {
  return body.bytes.length > LARGE_BODY_BYTES
}

/** Judges all events by the contract. @param shared a fault of the shared members, which then applies to every event */
export async function judgeAll(
  { judge, pause }: Pick<PipelineOptions, 'judge' | 'pause'>,
  request: IngestRequest,
  shared: Fault | undefined
): Promise<(GoodEvent | BadEvent)[]> {
  const { body, endpoint } = request
  const inPieces = isLarge(request)
  const events: (GoodEvent | BadEvent)[] = []
  for (let index = 0; index < body.events.length; index++) {
    if (inPieces && index % EVENTS_AT_ONCE === 0) await pause()
    const event = judgeEvent(judge, endpoint, body, index)
    events.push(shared === undefined || event.fault !== undefined ? event : rejectGoodEvent(event, index, shared))
  }
  return events
}

/** Applies the rules to the events of a request. */
export async function governAll(
  { judge, pause }: Pick<PipelineOptions, 'judge' | 'pause'>,
  request: IngestRequest,
  events: readonly (GoodEvent | BadEvent)[],
  governor: Governor
): Promise<JudgedRequest> {
  const governed = new JudgedRequest(judge, request.endpoint, request.body, events)
  for (const step of governor.steps) {
    if (isLarge(request)) await pause()
    step(governed)
  }
  return governed
}

/** Refuses an event that is valid by itself. */
export function rejectGoodEvent(event: GoodEvent, index: number, why: Fault): BadEvent {
  return { index, scan: event.scan, value: event.value(), type: event.type, fault: why }
}

/** @param receivedAt milliseconds since the epoch */
export function factsOf(request: IngestRequest, receivedAt: number): RequestFacts {
  const { body, source, path, address, traceparent } = request
  return createFacts({ body, source: source.id, path, receivedAt, address, traceparent })
}

/** The entries of a request over its source's rate; no event is judged. `governor` decides whether the payload may be shown. */
export function entriesWithoutJudgement(request: IngestRequest, facts: RequestFacts, governor: Governor | undefined) {
  const { body, endpoint } = request
  const type = endpoint.kind === 'single' ? endpoint.type : 'unknown'
  const entries = body.events.map(scan => new EventEntry(facts, { scan, type, fault: undefined }))
  if (governor?.mayKeep(body.bytes) !== false) return { entries, shown: request }
  for (const entry of entries) entry.start = entry.end = 0
  return { entries, shown: { ...request, body: { ...body, bytes: body.bytes.subarray(0, 0) } } }
}
