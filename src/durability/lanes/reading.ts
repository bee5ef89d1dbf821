import type { OutgoingRecord } from '../../model/record.ts'
import type { Board } from './board.ts'
import type { Lane } from './lane.ts'
import { NO_PLACE, type Place, UNKNOWN_PARTITION } from './place.ts'

/** A full lane holds up reading for the others until it has had no confirmation for this many milliseconds. */
const STUCK_MS = 2_000

/** A piece of the log. */
export interface Piece {
  /** Where this piece begins, and where the next one begins. */
  readonly start: Place
  readonly next: Place
  readonly lines: readonly { readonly place: Place; readonly record: OutgoingRecord }[]
  /** Monotonic milliseconds. */
  readonly readAt: number
}

export interface ReadingOptions {
  readonly partitionOf: (topic: string, record: OutgoingRecord) => number
  /** Whether an earlier process has delivered this lane's line at `place`. */
  readonly isDone: (lane: { readonly topic: string; readonly partition: number; readonly place: Place }) => boolean
}

/**
 * Returns where to read the log next; undefined if no lane needs the log, or if the lanes that do have enough in
 * memory. Lanes whose lines were all read are marked so (leaveDisk).
 */
export function nextPlace(board: Board, now: number): Place | undefined {
  const head = board.headBytes()
  const isFull = (lane: Lane): boolean => lane.bytes >= head
  let start = NO_PLACE
  let isScanHeld = false
  const holders: Lane[] = []
  for (const lane of board.lanes) {
    if (!lane.onDisk) continue
    if (board.hasRead(lane)) {
      if (!isFull(lane)) lane.leaveDisk()
      continue
    }
    if (!lane.sendable) continue
    if (!isFull(lane)) start = Math.min(start, lane.loaded as Place)
    else if (now - lane.movedAt < STUCK_MS) holders.push(lane)
  }
  if (holders.length > 0) isScanHeld = true
  if (board.scanned < board.end && !isScanHeld) start = Math.min(start, board.scanned)
  if (start >= board.end || holders.some(({ loaded }) => loaded === start)) return undefined
  return start
}

/** Adds each line of the piece to the lanes that have not received it and have space for it. */
export function load(board: Board, piece: Piece, options: ReadingOptions): void {
  const head = board.headBytes()
  const takers = new Set<Lane>()
  const isTaker = ({ onDisk, sendable, bytes, loaded }: Lane): boolean =>
    onDisk && sendable && bytes < head && loaded !== undefined && loaded >= piece.start && loaded < piece.next
  for (const lane of board.lanes) if (isTaker(lane)) takers.add(lane)
  const isScan = board.scanned >= piece.start && board.scanned < piece.next

  const laneAt = (topic: string, partition: number, place: Place): Lane | undefined => {
    const found = board.find(topic, partition)
    if (found !== undefined || !isScan || place < board.scanned) return found
    // The lane is new: no earlier line of the log belongs to it.
    return board.create(topic, partition, place)
  }

  for (const { place, record } of piece.lines) {
    const lanes: Lane[] = []
    for (const topic of record.topics) {
      const partition = options.partitionOf(topic, record)
      if (partition !== UNKNOWN_PARTITION && options.isDone({ topic, partition, place })) continue
      const lane = laneAt(topic, partition, place)
      if (lane !== undefined && isScan && place >= board.scanned) lane.logged += record.lineEnd - record.lineStart
      if (lane !== undefined && takers.has(lane) && place >= (lane.loaded ?? NO_PLACE)) lanes.push(lane)
    }
    if (lanes.length === 0) continue
    const entry = board.restored(record, lanes, place)
    for (const lane of lanes) {
      if (lane.length === 0) lane.movedAt = piece.readAt
      lane.push(entry)
    }
  }
  for (const lane of takers) lane.loaded = piece.next
  if (!isScan) return
  board.scanned = piece.next >= board.end ? NO_PLACE : piece.next
}
