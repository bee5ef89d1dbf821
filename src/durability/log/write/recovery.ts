import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { decodeChecksum, ENTRY_BYTES, readChecksums } from '../segment/checksums.ts'
import type { ByteRange, DamagedRange, LogLines } from '../contract.ts'
import { makeFolder, readAt, syncFolder, unlinkIfThere } from '../segment/files.ts'
import { intactLength } from '../segment/lines.ts'
import { loadPositions, POSITION_FILE } from '../segment/position-file.ts'
import { Quarantine } from '../segment/quarantine.ts'
import { checksumsName, sequenceOf } from '../segment/segment-name.ts'
import { findSegments, type FoundFolder, type Segment } from '../segment/segment-list.ts'

export interface RecoveryOptions {
  readonly dir: string
  readonly log: LogLines
  readonly onDamaged: (range: DamagedRange) => void
}

/**
 * Makes a folder ready to be written: creates it, takes empty segments away and cuts off what a crash left at the end
 * of the last one. Only that end is read. May be called again after it failed; rejects with the file system's error.
 */
export async function recoverFolder(options: RecoveryOptions): Promise<Omit<FoundFolder, 'orphans'>> {
  const { dir } = options
  await makeFolder(dir)
  const found = await findSegments(dir)
  const last = found.segments.findLast(segment => segment.bytes > 0)
  if (last !== undefined) await cutTail(last, options)

  const empty = found.segments.filter(segment => segment.bytes === 0).map(({ file }) => file)
  const useless = [...empty, ...empty.map(checksumsName), ...found.orphans]
  for (const file of useless) await unlinkIfThere(join(dir, file))
  if (useless.length > 0) await syncFolder(dir)

  // Delivered segments are deleted, so the position file may name a higher number than all remaining files.
  const { delivered: kept } = await loadPositions(join(dir, POSITION_FILE))
  const delivered = kept === undefined ? 0 : (sequenceOf(kept.floor.file) ?? 0)
  const segments = found.segments.filter(segment => segment.bytes > 0)
  return { segments, sequence: Math.max(found.sequence, delivered) }
}

async function cutTail(segment: Segment, options: RecoveryOptions): Promise<void> {
  const { dir, log, onDamaged } = options
  const handle = await open(join(dir, segment.file), 'r+')
  try {
    const { file } = segment
    const checked = await checkedLength(handle, segment, await readChecksums(join(dir, checksumsName(file))))
    const keep = checked === segment.bytes ? checked : await findIntactLength(handle, checked, segment.bytes)
    if (keep === segment.bytes) return

    const range = { file, offset: keep, bytes: segment.bytes - keep }
    const bytesOf = ({ offset, bytes }: ByteRange): Promise<Buffer> => readAt(handle, offset, bytes)
    const isNew = await new Quarantine({ dir, file, bytesOf }).take(range)
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
async function checkedLength(handle: FileHandle, segment: Segment, entries: Buffer): Promise<number> {
  let at = entries.length - (entries.length % ENTRY_BYTES)
  for (let tried = 0; tried < TRIED_CHECKSUMS && at > 0;) {
    at -= ENTRY_BYTES
    const entry = decodeChecksum(entries, at)
    if (entry === undefined || entry.offset + entry.length > segment.bytes) continue
    tried += 1
    if (crc32(await readAt(handle, entry.offset, entry.length)) === entry.crc) return entry.offset + entry.length
  }
  return 0
}

const FIRST_WINDOW_BYTES = 1024 * 1024

/** Searches backwards from the end in a window that doubles, never before `floor`. */
async function findIntactLength(handle: FileHandle, floor: number, size: number): Promise<number> {
  for (let window = FIRST_WINDOW_BYTES; ; window *= 2) {
    const start = Math.max(floor, size - window)
    const length = intactLength(await readAt(handle, start, size - start), start === floor)
    if (length !== undefined) return start + length
  }
}
