import type { Attributes } from '@opentelemetry/api'
import { messageIdOf } from '../../model/record.ts'
import type { EventReport, RequestReport } from '../../model/report.ts'
import { MESSAGING, TRIBUTARY } from './names.ts'
import { placed, stored } from './publish-span.ts'
import type { PastSpan } from './past-span.ts'

/** A batch of 2,500 events gets no 2,500 spans; the server span counts them all. */
const MAX_EVENT_SPANS = 32

/**
 * Adds a span for each event, those that were not accepted first. It says which event it was by its messageId, what became of it,
 * and where it is; nothing else that the sender wrote.
 */
export function addEventSpans(
  report: RequestReport,
  add: (span: Pick<PastSpan, 'name' | 'attributes' | 'error'>) => void
): void {
  for (const event of chosen(report.events)) {
    const error = event.outcome === 'failed' ? 'unavailable' : undefined
    add({ name: 'event', attributes: describeEvent(event, report), error })
  }
}

function chosen(events: readonly EventReport[]): readonly EventReport[] {
  if (events.length <= MAX_EVENT_SPANS) return events
  const others = events.filter(({ outcome }) => outcome !== 'accepted').slice(0, MAX_EVENT_SPANS)
  const accepted = events.filter(({ outcome }) => outcome === 'accepted')
  return [...others, ...accepted.slice(0, MAX_EVENT_SPANS - others.length)]
}

function describeEvent(event: EventReport, { receipt }: RequestReport): Attributes {
  const { type, outcome, fault, start, end, place } = event
  const [placement] = place < 0 ? [] : (receipt?.read(receipt.marks, place) ?? [])
  const { topic } = placement ?? {}
  // Where the debugger may not show an event, its id is not shown either.
  const id = end > start ? messageIdOf(event) : ''
  return {
    [TRIBUTARY.type]: type,
    [TRIBUTARY.outcome]: outcome,
    ...(id !== '' && { [MESSAGING.messageId]: id }),
    ...(fault !== undefined && { [TRIBUTARY.code]: fault.code }),
    ...stored(placement?.store),
    ...(topic !== undefined && { [MESSAGING.destination]: topic }),
    ...placed(placement)
  }
}
