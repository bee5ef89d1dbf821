import { isEventType } from '../../model/event-types.ts'
import type { ExplainRoute } from '../../model/route.ts'
import type { Placement } from '../../model/sink.ts'
import type { Mask } from '../ring/mask.ts'
import type { Published, Routing } from '../ring/routing.ts'
import { routingOf } from '../ring/routing.ts'
import type { JsonObject } from '../ring/row.ts'
import { parseObject } from '../ring/row.ts'

/** A record that was found in the log, in Kafka or in the archive. */
export interface FoundRecord {
  readonly place: Placement
  /** The record's JSON, unchanged. */
  readonly value: string
  /** Milliseconds since the epoch; undefined if the place has no time. */
  readonly at?: number
  /** The line number in its file, from 1. */
  readonly line?: number
}

/** A record as it is shown, with write keys masked. */
export interface ShownRecord extends FoundRecord {
  /** What became of the event at each destination. Only with the first of an event's records, and not for refused events. */
  readonly routing?: Routing
}

/** Adds to the first record of each event what became of the event at each destination. Records of refused events have none. */
export function withRoutings(
  records: readonly FoundRecord[],
  by: { readonly explain: ExplainRoute; readonly mask: Mask }
): ShownRecord[] {
  const shown: ShownRecord[] = []
  const explained = new Set<string>()
  for (const record of records) {
    const facts = factsOf(parseObject(record.value))
    // The records of one event in several topics are the same.
    if (facts === undefined || explained.has(record.value)) {
      shown.push(record)
      continue
    }
    explained.add(record.value)
    const places = records.filter(({ value }) => value === record.value).map(({ place }) => place)
    shown.push({ ...record, routing: routingOf({ ...facts, places }, by) })
  }
  return shown
}

/** The facts of an accepted event; undefined for any other record. */
function factsOf(event: JsonObject | undefined): Omit<Published, 'places'> | undefined {
  const { version, type, projectId: source, receivedAt } = event ?? {}
  const at = Date.parse(String(receivedAt))
  if (version === undefined || typeof source !== 'string' || !isEventType(type) || Number.isNaN(at)) return undefined
  return { source, type, at, outcome: 'accepted', event }
}
