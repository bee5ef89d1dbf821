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

/** Above it a request passes in pieces... */
const LARGE_BODY_BYTES = 128 * 1024
/** ...of so many events: a millisecond, or three where each of them is refused. */
export const EVENTS_AT_ONCE = 250

export function isLarge({ body }: IngestRequest): boolean {
  return body.bytes.length > LARGE_BODY_BYTES
}

/** Judges all events by the contract. @param shared a fault of what the events share: it is each one's */
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
    events.push(shared === undefined || event.fault !== undefined ? event : refuseGood(event, index, shared))
  }
  return events
}

/** What rules make of a request's events. */
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

export function refuseGood(event: GoodEvent, index: number, why: Fault): BadEvent {
  return { index, scan: event.scan, value: event.value(), type: event.type, fault: why }
}

export function factsOf(request: IngestRequest, receivedAt: number): RequestFacts {
  const { body, source, path, address, traceparent } = request
  return createFacts({ body, source: source.id, path, receivedAt, address, traceparent })
}

/** Events that nobody has looked at: the source is over its rate. `governor` says whether their payload may be shown. */
export function entriesAsTheyCame(request: IngestRequest, facts: RequestFacts, governor: Governor | undefined) {
  const { body, endpoint } = request
  const type = endpoint.kind === 'single' ? endpoint.type : 'unknown'
  const entries = body.events.map(scan => new EventEntry(facts, { scan, type, fault: undefined }))
  if (governor?.mayKeep(body.bytes) !== false) return { entries, shown: request }
  for (const entry of entries) entry.start = entry.end = 0
  return { entries, shown: { ...request, body: { ...body, bytes: body.bytes.subarray(0, 0) } } }
}
