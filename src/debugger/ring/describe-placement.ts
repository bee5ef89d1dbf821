import type { Placement } from '../../model/sink.ts'

/** A place as text for people: `tributary.events, partition 3, offset 42`. */
export function describePlacement({ store, topic, partition, offset, file, position }: Placement): string {
  if (store === 'kafka') return `${topic}, partition ${partition}${offset === undefined ? '' : `, offset ${offset}`}`
  if (store === 'memory') return 'memory'
  if (store === 'archive') return `${file} of the archive, byte ${position} when decompressed`
  const spooled = store === 'spool' ? ' (spooled; on its way to Kafka)' : ''
  return `${file}${position === undefined ? '' : `, byte ${position}`}${spooled}`
}
