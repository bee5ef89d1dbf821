import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Position, SegmentInfo } from '../log/contract.ts'
import { ifThere, unlinkIfThere } from '../log/segment/files.ts'
import { comparePositions, loadPositions, POSITION_FILE, savePositions } from '../log/segment/position-file.ts'
import { findSegments } from '../log/segment/segment-list.ts'
import { segmentOfChecksums } from '../log/segment/segment-name.ts'
import { REFUSED_FILE } from '../../model/sink.ts'
import { ERASING, type Erased, type EraseOptions } from './erasure.ts'
import { eraseDamaged, eraseRefused } from './rewrite-lines.ts'
import { measureSegment, rewriteSegment, type MeasuredSegment } from './rewrite-segment.ts'

const FOLDERS = ['events', 'rejected', 'violations', 'spool'] as const
/** Suffix of the file with copies of damaged bytes, beside their segment. */
const DAMAGED = '.damaged'
/** The file of an interrupted `tributary refused retry`. */
const RETRYING_FILE = 'refused.retrying.jsonl'

/**
 * Some of the records still wait for Kafka. The positions of what was sent are byte offsets, so these bytes must not
 * move.
 */
export class StillWaiting extends Error {
  override readonly name = 'StillWaiting'
}

/**
 * Removes lines from everything that one data folder contains. No server may use the folder. May be interrupted at any
 * point: another call does the rest. Rejects with StillWaiting before it changes that folder of segments, or with the
 * file system's error.
 *
 * @param dataDir the folder of one server or worker
 */
export async function eraseFromDataDir(dataDir: string, options: EraseOptions): Promise<Erased> {
  const { isDryRun = false } = options
  const erased: Erased = { records: 0, files: 0 }
  const add = (records: number): void => {
    erased.records += records
    if (records > 0) erased.files++
  }
  for (const folder of FOLDERS) {
    const dir = join(dataDir, folder)
    const names = await ifThere(readdir(dir))
    if (names === undefined) continue
    if (!isDryRun) await finishInterrupted(dir, names)
    for (const records of await eraseFromSegments(dir, options)) add(records)
    // This comes last, because damaged bytes of a segment may have been copied before or during the steps above.
    for (const name of await readdir(dir)) {
      if (name.endsWith(DAMAGED)) add(await eraseDamaged(join(dir, name), options))
    }
  }
  for (const name of [REFUSED_FILE, RETRYING_FILE]) {
    add(await eraseRefused(join(dataDir, 'spool', name), options))
  }
  return erased
}

/**
 * Finishes what an interrupted call has left. New checksums without their new segment belong to the segment that has
 * replaced the old one. Everything else is done again.
 */
async function finishInterrupted(dir: string, names: readonly string[]): Promise<void> {
  for (const name of names.filter(each => each.endsWith(ERASING))) {
    const final = name.slice(0, -ERASING.length)
    const segment = segmentOfChecksums(final)
    const isWanted = segment !== undefined && names.includes(segment) && !names.includes(segment + ERASING)
    await (isWanted && !names.includes(final)
      ? rename(join(dir, name), join(dir, final))
      : unlinkIfThere(join(dir, name)))
  }
}

/** @returns the number of removed records for each segment */
async function eraseFromSegments(dir: string, options: EraseOptions): Promise<number[]> {
  const { erasure, isDryRun = false } = options
  const { segments } = await findSegments(dir)
  const found: MeasuredSegment[] = []
  for (const segment of segments) found.push(await measureSegment(dir, segment, erasure))
  const changed = found.filter(({ gone }) => gone > 0)
  if (changed.length === 0 || isDryRun) return changed.map(({ gone }) => gone)
  const keepPosition = async (floor: Position): Promise<void> => {
    options.onStep?.()
    await savePositions(join(dir, POSITION_FILE), { floor, topics: {} })
  }
  const isFollowed = await isDeliveredWhole(dir, segments)
  const last = found.findLast(({ left }) => left > 0)
  // After a crash from here on, the last segment is sent once more. No segment is left out.
  if (isFollowed && last !== undefined) await keepPosition({ file: last.segment.file, offset: 0 })
  for (const { segment } of changed) await rewriteSegment(dir, segment, options)
  if (isFollowed && last !== undefined) {
    const { gone, left, segment } = last
    await keepPosition({ file: segment.file, offset: gone > 0 ? left : segment.bytes })
  }
  return changed.map(({ gone }) => gone)
}

/** False if the folder is not relayed to Kafka. Rejects with StillWaiting if Kafka does not have all of it. */
async function isDeliveredWhole(dir: string, segments: readonly SegmentInfo[]): Promise<boolean> {
  const { delivered, problem } = await loadPositions(join(dir, POSITION_FILE))
  const last = segments.at(-1)
  if (delivered === undefined && problem === undefined && !dir.endsWith('spool')) return false
  const end = { file: last?.file ?? '', offset: last?.bytes ?? 0 }
  if (delivered !== undefined && comparePositions(delivered.floor, end) >= 0) return true
  throw new StillWaiting(`records that are to go still wait for Kafka in ${dir}: run "tributary spool drain" first`)
}
