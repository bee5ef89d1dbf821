import type { LogLines, Position } from '../log/contract.ts'
import { savePositions, type ConsumerPosition } from '../log/segment/position-file.ts'
import type { SpoolFolder, SegmentTable } from './segment-table.ts'
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
export function restorePositions(
  table: SegmentTable,
  folder: SpoolFolder,
  delivered: ConsumerPosition,
  log: LogLines
): void {
  const { file, offset } = delivered.floor
  const floor = table.placeIn(folder, delivered.floor)
  const isMisfit = folder.source.segments().some(segment => segment.file === file && segment.bytes < offset)
  if (floor === undefined || isMisfit) {
    const words = 'the position does not fit the segments'
    log.warn({ file: folder.path, position: delivered.floor, instead: floor }, words)
  }
  if (floor === undefined) return
  folder.saved = delivered
  folder.floor = floor
  for (const [topic, { at }] of Object.entries(delivered.topics)) {
    for (const [partition, position] of Object.entries(at)) {
      const place = table.placeIn(folder, position)
      if (place !== undefined) folder.starts.set(`${topic}/${partition}`, place)
    }
  }
}

/** Saves the positions of the lanes. Rejects with the file system's error; the positions saved before stay valid. */
export async function keepPositions(table: SegmentTable, progress: Progress): Promise<void> {
  for (const folder of table.folders) {
    const next = deliveredOf(table, folder, progress)
    if (next === undefined || JSON.stringify(next) === JSON.stringify(folder.saved)) continue
    await savePositions(folder.path, next)
    folder.saved = next
  }
}

function deliveredOf(table: SegmentTable, folder: SpoolFolder, progress: Progress): ConsumerPosition | undefined {
  const within = (place: Place): Place => Math.min(folder.end, Math.max(folder.floor, place))
  const place = within(progress.floor)
  const floor = table.positionAt(folder, place)
  if (floor === undefined) return undefined
  const topics: Record<string, { partitions: number; at: Record<string, Position> }> = {}
  const note = (topic: string, partition: number | string, partitions: number, at: Place): void => {
    const position = at > place ? table.positionAt(folder, at) : undefined
    if (position === undefined) return
    const entry = (topics[topic] ??= { partitions, at: {} })
    entry.at[partition] = position
  }
  const startOf = (topic: string, partition: number | string): Place => folder.starts.get(`${topic}/${partition}`) ?? 0
  for (const [topic, { partitions, at }] of Object.entries(folder.saved?.topics ?? {})) {
    if ((progress.partitions.get(topic) ?? partitions) !== partitions) continue
    for (const partition of Object.keys(at)) note(topic, partition, partitions, startOf(topic, partition))
  }
  for (const { topic, partition, place: at } of progress.lanes) {
    const partitions = progress.partitions.get(topic)
    if (partitions === undefined || partition < 0) continue
    const before = folder.saved?.topics[topic]?.partitions === partitions ? startOf(topic, partition) : 0
    note(topic, partition, partitions, within(Math.max(before, at)))
  }
  return { floor, topics }
}

/** Whether an earlier process has delivered this lane's line at `place`. */
export function isDelivered(table: SegmentTable, lane: LanePosition, partitions: number | undefined): boolean {
  const { topic, partition, place } = lane
  const folder = table.folders.find(({ end }) => place < end)
  if (folder === undefined || folder.saved?.topics[topic]?.partitions !== partitions) return false
  return place < (folder.starts.get(`${topic}/${partition}`) ?? 0)
}
