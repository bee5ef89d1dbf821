import { open, rename, stat, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteRange, SegmentInfo } from '../log/contract.ts'
import { openSegment, type OpenSegment } from '../log/read/open-segment.ts'
import { encodeChecksums } from '../log/segment/checksums.ts'
import { FILE_MODE, syncFolder, unlinkIfThere, writeDurably } from '../log/segment/files.ts'
import { LINE_FEED, type Split } from '../log/segment/lines.ts'
import { checksumsName } from '../log/segment/segment-name.ts'
import { ERASING, type Erasure, type EraseOptions } from './erasure.ts'

const CHUNK_BYTES = 1024 * 1024

export interface MeasuredSegment {
  readonly segment: SegmentInfo
  /** Records to be removed, and damaged pieces that may contain such records. */
  readonly gone: number
  /** The remaining bytes. */
  readonly left: number
}

/** Counts what an erasure would remove from a segment, and changes nothing. Rejects with the file system's error. */
export async function measureSegment(dir: string, segment: SegmentInfo, erasure: Erasure): Promise<MeasuredSegment> {
  let [gone, left] = [0, 0]
  for await (const { split, from } of piecesOf(dir, segment)) {
    for (const line of split.lines) {
      if (erasure.isGone(line)) gone++
      else left += line.length
    }
    for (const range of split.damaged) gone += sortDamage(range, await from.bytesOf(range), erasure).gone
  }
  return { segment, gone, left }
}

/**
 * Rewrites a segment without the removed lines; deletes the segment if no line is left. Damaged bytes are not kept in
 * it: pieces that may contain removed data are dropped, and all others are copied aside, as a reader does. The file
 * keeps its times, because LOG_RETENTION uses them. Rejects with the file system's error; after that, as after a crash,
 * another call does everything again.
 */
export async function rewriteSegment(
  dir: string,
  segment: SegmentInfo,
  { erasure, onStep }: EraseOptions
): Promise<void> {
  const { file } = segment
  const [path, checksums] = [join(dir, file), join(dir, checksumsName(file))]
  const [nextPath, nextChecksums] = [path + ERASING, checksums + ERASING]
  const { atime, mtime } = await stat(path)
  onStep?.()
  const bytes = await writeLeft({ dir, segment, erasure, nextPath, nextChecksums })
  await utimes(nextPath, atime, mtime)
  onStep?.()
  await unlinkIfThere(checksums)
  await syncFolder(dir)
  onStep?.()
  if (bytes > 0) await rename(nextPath, path)
  else for (const file of [path, nextPath, nextChecksums]) await unlink(file)
  await syncFolder(dir)
  if (bytes === 0) return
  onStep?.()
  await rename(nextChecksums, checksums)
  await syncFolder(dir)
}

/** @returns the number of remaining bytes */
async function writeLeft(options: {
  readonly dir: string
  readonly segment: SegmentInfo
  readonly erasure: Erasure
  readonly nextPath: string
  readonly nextChecksums: string
}): Promise<number> {
  const { dir, segment, erasure, nextPath, nextChecksums } = options
  const entries: Buffer[] = []
  let written = 0
  const handle = await open(nextPath, 'w', FILE_MODE)
  try {
    for await (const { split, from } of piecesOf(dir, segment)) {
      for (const range of split.damaged) {
        for (const kept of sortDamage(range, await from.bytesOf(range), erasure).kept) await from.setAside(kept)
      }
      const lines = split.lines.filter(line => !erasure.isGone(line))
      if (lines.length === 0) continue
      entries.push(await encodeChecksums({ pieces: lines, lengths: lines.map(({ length }) => length) }, written))
      const bytes = Buffer.concat(lines)
      await handle.writeFile(bytes)
      written += bytes.length
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  await writeDurably(nextChecksums, Buffer.concat(entries))
  return written
}

/** Splits a range of damaged bytes into its lines, and judges each line. */
function sortDamage({ offset }: ByteRange, bytes: Buffer, { mayHold }: Erasure): { gone: number; kept: ByteRange[] } {
  const sorted = { gone: 0, kept: [] as ByteRange[] }
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = bytes.indexOf(LINE_FEED, at) + 1 || bytes.length
    if (mayHold(bytes.subarray(at, end))) sorted.gone++
    else sorted.kept.push({ offset: offset + at, bytes: end - at })
  }
  return sorted
}

/** The lines of a segment, about a chunk at a time, with the open segment they are from. */
async function* piecesOf(dir: string, segment: SegmentInfo): AsyncGenerator<{ split: Split; from: OpenSegment }> {
  const from = await openSegment({ dir, segment, chunkBytes: CHUNK_BYTES })
  try {
    for (let offset = 0; offset < segment.bytes;) {
      const split = await from.read(offset)
      if (split.next === offset) break
      offset = split.next
      yield { split, from }
    }
  } finally {
    await from.close()
  }
}
