import type { Placement } from '../sink.ts'

/** A place that is searched for a messageId after memory. */
export type StoredPlace = 'log' | 'kafka' | 'archive'

/** An event of the debugger, as far as spooledSince() reads it. */
export interface PlacedEvent {
  readonly places?: readonly Pick<Placement, 'store'>[]
  /** RFC 3339. */
  readonly receivedAt?: string
}

/** A record that a search has found, as far as spooledSince() reads it. */
export interface PlacedRecord {
  readonly place: Pick<Placement, 'store'>
  /** JSON, unless the record is damaged, or masked in a way that leaves none. */
  readonly value: string
}

/**
 * The memory and the disk know of a spooled event only that it was written to disk because Kafka was late: it may be in Kafka by now, which
 * must be searched.
 *
 * @returns when the first spooled one of these events and records was received, in milliseconds since the epoch, Infinity if none says
 *   when; undefined if none was spooled
 */
export function spooledSince(
  events: readonly PlacedEvent[],
  records: readonly PlacedRecord[] = []
): number | undefined {
  const spooled = [
    ...events.filter(({ places = [] }) => places.some(({ store }) => store === 'spool')),
    ...records.filter(({ place }) => place.store === 'spool').map(({ value }) => eventIn(value))
  ]
  if (spooled.length === 0) return undefined
  const times = spooled.map(({ receivedAt = '' }) => Date.parse(receivedAt))
  return Math.min(...times.filter(time => !Number.isNaN(time)))
}

function eventIn(value: string): PlacedEvent {
  try {
    return (JSON.parse(value) as PlacedEvent | null) ?? {}
  } catch {
    return {}
  }
}

/**
 * Finds the records of a messageId where they are now: on disk, where that of a spooled event may be in Kafka too, else in Kafka, else in the
 * archive.
 *
 * @param look searches a place, Kafka from `since` on. Never rejects
 * @param since see spooledSince(), if memory knows it: no search then waits for another
 * @returns the records, those of Kafka first
 */
export async function searchStored<R extends PlacedRecord>(
  look: (place: StoredPlace, since: number | undefined) => Promise<readonly R[]>,
  since: number | undefined
): Promise<readonly R[]> {
  const log = look('log', undefined)
  const from = since ?? spooledSince([], await log)
  const isOnDisk = from === undefined && (await log).length > 0
  const kafka = isOnDisk ? [] : look('kafka', from)
  const near = [...(await kafka), ...(await log)]
  return near.length > 0 ? near : await look('archive', undefined)
}
