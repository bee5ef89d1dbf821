import { REFUSED_FILE, type Placement } from '../../model/sink.ts'

const REFUSED = ' (Kafka refuses it: see `tributary refused list`)'
const SPOOLED = ' (the spool: Kafka gets it from there, or has it already)'

/** A place as text for people: `tributary.events, partition 3, offset 42`. */
export function describePlacement({ store, topic, partition, offset, file, position }: Placement): string {
  if (store === 'kafka') return `${topic}, partition ${partition}${offset === undefined ? '' : `, offset ${offset}`}`
  if (store === 'memory') return 'memory'
  if (store === 'archive') return `${file} of the archive, byte ${position} when decompressed`
  const isRefused = file?.endsWith(REFUSED_FILE) === true
  const spooled = isRefused ? REFUSED : store === 'spool' ? SPOOLED : ''
  return `${file}${position === undefined ? '' : `, byte ${position}`}${spooled}`
}
