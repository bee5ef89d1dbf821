import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { decodeChecksum, ENTRY_BYTES, readChecksums } from '../segment/checksums.ts'
import type { DamagedRange, LogLines } from '../contract.ts'
import { makeFolder, readAt, syncFolder, unlinkIfThere } from '../segment/files.ts'
import { intactLength } from '../segment/lines.ts'
import { loadPositions, POSITION_FILE } from '../segment/position-file.ts'
import { createQuarantine } from '../segment/quarantine.ts'
import { checksumsName, sequenceOf } from '../segment/segment-name.ts'
import { findSegments } from '../segment/segment-list.ts'
import type { FoundFolder, Segment } from '../segment/segment-list.ts'

export interface RecoveryOptions {
  readonly dir: string
  readonly log: LogLines
  readonly onDamaged: (range: DamagedRange) => void
}

/**
 * Makes a folder ready to be written: creates it, takes empty segments away and cuts off what a crash left at the end
 * of the last one. Only that end is read. May be called again after it failed; rejects with the file system's error.
 */
export async function recoverFolder(options: RecoveryOptions): Promise<FoundFolder> {
  const { dir } = options
  await makeFolder(dir)
  const found = await findSegments(dir)
  const last = found.segments.findLast(segment => segment.bytes > 0)
  if (last !== undefined) await cutTail(last, options)

  const empty = found.segments.filter(segment => segment.bytes === 0)
  for (const { file } of empty) await unlinkIfThere(join(dir, file))
  for (const file of [...found.orphans, ...empty.map(segment => checksumsName(segment.file))]) {
    await unlinkIfThere(join(dir, file))
  }
  if (empty.length + found.orphans.length > 0) await syncFolder(dir)

  // Delivered segments are deleted, so the position file may name a higher number than all remaining files.
  const { delivered: kept } = await loadPositions(join(dir, POSITION_FILE))
  const delivered = kept === undefined ? 0 : (sequenceOf(kept.floor.file) ?? 0)
  return {
    segments: found.segments.filter(segment => segment.bytes > 0),
    sequence: Math.max(found.sequence, delivered),
    orphans: []
  }
}

async function cutTail(segment: Segment, options: RecoveryOptions): Promise<void> {
  const { dir, log, onDamaged } = options
  const handle = await open(join(dir, segment.file), 'r+')
  try {
    const read = (offset: number, bytes: number): Promise<Buffer> => readAt(handle, offset, bytes)
    const checked = await checkedLength(await readChecksums(join(dir, checksumsName(segment.file)), 0), segment, read)
    const keep = checked === segment.bytes ? checked : await findIntactLength(checked, segment.bytes, read)
    if (keep === segment.bytes) return

    const range = { file: segment.file, offset: keep, bytes: segment.bytes - keep }
    const isNew = await createQuarantine({ dir, file: segment.file, read }).take(range)
    await handle.truncate(keep)
    await handle.sync()
    segment.bytes = keep
    if (!isNew) return
    log.warn(
      { dir, ...range },
      'cut off the end of the last segment: it was no whole record; a copy is in its .damaged file'
    )
    onDamaged(range)
  } finally {
    await handle.close()
  }
}

/** How many of the last checksums are tried before lines are judged by their content alone. */
const TRIED_CHECKSUMS = 64

/** The end of the last line with a correct checksum: everything before it stays. */
async function checkedLength(
  entries: Buffer,
  segment: Segment,
  read: (offset: number, bytes: number) => Promise<Buffer>
): Promise<number> {
  let at = entries.length - (entries.length % ENTRY_BYTES)
  for (let tried = 0; tried < TRIED_CHECKSUMS && at > 0;) {
    at -= ENTRY_BYTES
    const entry = decodeChecksum(entries, at)
    if (entry === undefined || entry.offset + entry.length > segment.bytes) continue
    tried += 1
    if (crc32(await read(entry.offset, entry.length)) === entry.crc) return entry.offset + entry.length
  }
  return 0
}

const FIRST_WINDOW_BYTES = 1024 * 1024

/** Searches backwards from the end in a window that doubles, never before `floor`. */
async function findIntactLength(
  floor: number,
  size: number,
  read: (offset: number, bytes: number) => Promise<Buffer>
): Promise<number> {
  for (let window = FIRST_WINDOW_BYTES; ; window *= 2) {
    const start = Math.max(floor, size - window)
    const length = intactLength(await read(start, size - start), start === floor)
    if (length !== undefined) return start + length
  }
}
