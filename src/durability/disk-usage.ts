import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { checksumsName, isSegmentName, timeOf } from './log/segment/segment-name.ts'

/** How full the disk under a folder is. */
interface DiskSpace {
  /** Bytes that the server may still write. */
  readonly freeBytes: number
  readonly sizeBytes: number
}

/** How full the disk is, and when nothing will be left of it. */
export interface DiskReading extends DiskSpace {
  /** Milliseconds until the log has filled the disk at its present rate; undefined: the log does not grow, or not for good. */
  readonly fullInMs: number | undefined
}

/** The rate is that of the last day, and a segment more where one was begun before. */
const WINDOW_MS = 24 * 60 * 60 * 1000
/** In less time too little is written to tell a rate. */
const LEAST_MS = 10 * 60 * 1000
/** So many segments of each folder are looked at. */
const MAX_SEGMENTS = 2_000
/** Logs that are kept for good. */
const KEPT_LOGS = ['events', 'rejected', 'violations'] as const

/** Rejects with the file system's error. */
async function readDiskSpace(dir: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(dir)
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}

/**
 * How full the disk of `dir` is. Rejects with the file system's error.
 *
 * @param growing the data folders whose logs are kept for good; none: nothing fills the disk
 */
export async function readDisk(dir: string, growing: readonly string[], now: number): Promise<DiskReading> {
  const space = await readDiskSpace(dir)
  const logs = growing.flatMap(folder => KEPT_LOGS.map(name => join(folder, name)))
  const rates = await Promise.all(logs.map(log => bytesEachMs(log, now)))
  const rate = rates.reduce((sum, one) => sum + one, 0)
  return { ...space, fullInMs: rate > 0 ? space.freeBytes / rate : undefined }
}

/** What was written to a folder of segments lately, by the names and sizes of its files; 0 where that cannot be told. */
async function bytesEachMs(dir: string, now: number): Promise<number> {
  const names = await readdir(dir).catch(() => [])
  const newestFirst = names.filter(isSegmentName).sort().toReversed().slice(0, MAX_SEGMENTS)
  let bytes = 0
  let sinceMs = 0
  for (const name of newestFirst) {
    const sizes = await Promise.all([name, checksumsName(name)].map(file => sizeOf(join(dir, file))))
    bytes += sizes.reduce((sum, size) => sum + size, 0)
    sinceMs = now - timeOf(name)
    if (sinceMs >= WINDOW_MS) break
  }
  return sinceMs < LEAST_MS ? 0 : bytes / sinceMs
}

/** 0 for a file that retention has just deleted. */
async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}
