import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { checksumsName, isSegmentName, timeOf } from './log/segment/segment-name.ts'

/** The size and free space of a disk, and when it will be full. */
export interface DiskReading {
  /** Bytes that this process may still write. */
  readonly freeBytes: number
  readonly sizeBytes: number
  /**
   * Milliseconds until the log fills the disk at its present rate; undefined if the log does not grow, or not
   * permanently.
   */
  readonly fullInMs: number | undefined
}

/** The rate is that of the last day. A segment that was begun before that day counts as a whole. */
const WINDOW_MS = 24 * 60 * 60 * 1000
/** In less time, too few bytes are written to compute a rate. */
const LEAST_MS = 10 * 60 * 1000
/** The most segments of a folder that are examined. */
const MAX_SEGMENTS = 2_000
/** The logs that are kept permanently. */
const KEPT_LOGS = ['events', 'rejected', 'violations'] as const

/**
 * Reads how full the disk of `dir` is. Rejects with the file system's error.
 *
 * @param growing the data folders whose logs are kept permanently; empty: nothing fills the disk
 * @param now milliseconds since the epoch
 */
export async function readDisk(dir: string, growing: readonly string[], now: number): Promise<DiskReading> {
  const { bavail, blocks, bsize } = await statfs(dir)
  const freeBytes = bavail * bsize
  const logs = growing.flatMap(folder => KEPT_LOGS.map(name => join(folder, name)))
  const rates = await Promise.all(logs.map(log => bytesPerMs(log, now)))
  const rate = rates.reduce((sum, one) => sum + one, 0)
  return { freeBytes, sizeBytes: blocks * bsize, fullInMs: rate > 0 ? freeBytes / rate : undefined }
}

/**
 * The bytes per millisecond that were recently written to a folder of segments, computed from the names and sizes of
 * its files. 0 if they cover too little time.
 */
async function bytesPerMs(dir: string, now: number): Promise<number> {
  const names = await readdir(dir).catch(() => [])
  const newestFirst = names.filter(isSegmentName).sort().toReversed().slice(0, MAX_SEGMENTS)
  let bytes = 0
  let sinceMs = 0
  for (const name of newestFirst) {
    for (const file of [name, checksumsName(name)]) {
      const found = await stat(join(dir, file)).catch(() => undefined) // retention may have deleted it
      bytes += found?.size ?? 0
    }
    sinceMs = now - timeOf(name)
    if (sinceMs >= WINDOW_MS) break
  }
  return sinceMs < LEAST_MS ? 0 : bytes / sinceMs
}
