import type { LogLines, Position } from '../log/contract.ts'
import { savePositions, type ConsumerPosition } from '../log/segment/position-file.ts'
import type { Reel, SegmentTable } from './segment-table.ts'
import type { Place } from '../lanes/place.ts'

/** The position of one lane. */
export interface LanePosition {
  readonly topic: string
  readonly partition: number
  readonly place: Place
}

/** The positions of all lanes: every line before `floor` is delivered on every lane. */
export interface Progress {
  readonly floor: Place
  readonly lanes: readonly LanePosition[]
  /** How many partitions each topic has. */
  readonly partitions: ReadonlyMap<string, number>
}

/** Loads the positions of the folder's position file into the table. */
export function restorePositions(table: SegmentTable, reel: Reel, delivered: ConsumerPosition, log: LogLines): void {
  const { file, offset } = delivered.floor
  const floor = table.placeIn(reel, delivered.floor)
  const isMisfit = reel.source.segments().some(segment => segment.file === file && segment.bytes < offset)
  if (floor === undefined || isMisfit) {
    const words = 'the position does not fit the segments'
    log.warn({ file: reel.path, position: delivered.floor, instead: floor }, words)
  }
  if (floor === undefined) return
  reel.saved = delivered
  reel.floor = floor
  for (const [topic, { at }] of Object.entries(delivered.topics)) {
    for (const [partition, position] of Object.entries(at)) {
      const place = table.placeIn(reel, position)
      if (place !== undefined) reel.starts.set(`${topic}/${partition}`, place)
    }
  }
}

/** Saves the positions of the lanes. Rejects with the file system's error; the positions saved before stay valid. */
export async function keepPositions(table: SegmentTable, progress: Progress): Promise<void> {
  for (const reel of table.reels) {
    const next = deliveredOf(table, reel, progress)
    if (next === undefined || JSON.stringify(next) === JSON.stringify(reel.saved)) continue
    await savePositions(reel.path, next)
    reel.saved = next
  }
}

function deliveredOf(table: SegmentTable, reel: Reel, progress: Progress): ConsumerPosition | undefined {
  const within = (place: Place): Place => Math.min(reel.end, Math.max(reel.floor, place))
  const place = within(progress.floor)
  const floor = table.positionAt(reel, place)
  if (floor === undefined) return undefined
  const topics: Record<string, { partitions: number; at: Record<string, Position> }> = {}
  const note = (topic: string, partition: number | string, partitions: number, at: Place): void => {
    const position = at > place ? table.positionAt(reel, at) : undefined
    if (position === undefined) return
    const entry = (topics[topic] ??= { partitions, at: {} })
    entry.at[partition] = position
  }
  const startOf = (topic: string, partition: number | string): Place => reel.starts.get(`${topic}/${partition}`) ?? 0
  for (const [topic, { partitions, at }] of Object.entries(reel.saved?.topics ?? {})) {
    if ((progress.partitions.get(topic) ?? partitions) !== partitions) continue
    for (const partition of Object.keys(at)) note(topic, partition, partitions, startOf(topic, partition))
  }
  for (const { topic, partition, place: at } of progress.lanes) {
    const partitions = progress.partitions.get(topic)
    if (partitions === undefined || partition < 0) continue
    const before = reel.saved?.topics[topic]?.partitions === partitions ? startOf(topic, partition) : 0
    note(topic, partition, partitions, within(Math.max(before, at)))
  }
  return { floor, topics }
}

/** Whether an earlier process has delivered this lane's line at `place`. */
export function isDelivered(table: SegmentTable, lane: LanePosition, partitions: number | undefined): boolean {
  const { topic, partition, place } = lane
  const reel = table.reels.find(({ end }) => place < end)
  if (reel === undefined || reel.saved?.topics[topic]?.partitions !== partitions) return false
  return place < (reel.starts.get(`${topic}/${partition}`) ?? 0)
}
