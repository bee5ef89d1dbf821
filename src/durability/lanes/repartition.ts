import type { OutgoingRecord } from '../../model/record.ts'
import type { Board } from './board.ts'
import type { LaneEntry, Lane } from './lane.ts'
import { NO_PLACE, UNKNOWN_PARTITION } from './place.ts'

/**
 * Changes the number of a topic's partitions (0: not known). All lanes of the topic are merged into one, which is then
 * split into one lane for each partition. Returns false if a batch is in flight: then the caller tries again later.
 */
export function repartition(
  board: Board,
  topic: string,
  partitions: number,
  partitionOf: (record: OutgoingRecord) => number
): boolean {
  const lanes = board.lanesOf(topic)
  if (lanes.some(({ batch }) => batch?.state === 'sent' || batch?.state === 'refused')) return false
  if (lanes.length === 0) return true
  const merged = lanes.length === 1 && lanes[0]?.partition === UNKNOWN_PARTITION ? lanes[0] : merge(board, topic, lanes)
  if (partitions > 0) split(board, merged, partitions, partitionOf)
  return true
}

/** Lines behind the earliest of their places are read again, because they may belong to another lane now. */
function merge(board: Board, topic: string, lanes: readonly Lane[]): Lane {
  const onDisk = lanes.some(lane => lane.onDisk)
  const loaded = onDisk
    ? Math.min(...lanes.map(lane => (lane.onDisk ? (lane.loaded ?? NO_PLACE) : NO_PLACE)))
    : NO_PLACE
  const entries = lanes.flatMap(lane => [...lane.takeAll(), ...lane.tail]).sort(byLogThenOrder)
  for (const lane of lanes) board.remove(lane)
  const merged = board.create(topic, UNKNOWN_PARTITION, NO_PLACE)
  merged.late = lanes.some(({ late }) => late)
  merged.onDisk = onDisk
  merged.loaded = loaded === NO_PLACE ? undefined : loaded
  for (const entry of entries) {
    entry.lanes = entry.lanes.map(lane => (lanes.includes(lane) ? merged : lane))
    if (!onDisk || (entry.stored === 'yes' && entry.place < loaded)) merged.push(entry)
    else if (entry.stored !== 'yes') merged.tail.push(entry)
  }
  board.storeNow(merged.tail)
  return merged
}

const RANKS = { yes: 0, writing: 1, no: 2 } as const

/** First the entries in the log, then those being written, then the rest: the order that the log has or will have. */
function byLogThenOrder(a: LaneEntry, b: LaneEntry): number {
  if (a.stored !== b.stored) return RANKS[a.stored] - RANKS[b.stored]
  if (a.stored === 'yes') return a.place - b.place
  return a.stored === 'writing' ? a.ticket - b.ticket : a.order - b.order
}

function split(board: Board, from: Lane, partitions: number, partitionOf: (record: OutgoingRecord) => number): void {
  const entries = from.takeAll()
  board.remove(from)
  const lanes = Array.from({ length: partitions }, (_, partition) => {
    const lane = board.create(from.topic, partition, NO_PLACE)
    lane.late = from.late
    lane.onDisk = from.onDisk
    lane.loaded = from.loaded
    return lane
  })
  const laneOf = (entry: LaneEntry): Lane => {
    const lane = lanes[partitionOf(entry.record) % partitions] as Lane
    entry.lanes = entry.lanes.length === 1 ? lane.alone : entry.lanes.map(other => (other === from ? lane : other))
    return lane
  }
  for (const entry of entries) laneOf(entry).push(entry)
  for (const entry of from.tail) laneOf(entry).tail.push(entry)
}
