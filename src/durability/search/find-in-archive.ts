import { join } from 'node:path'
import type { Background } from '../../model/background.ts'
import type { ArchiveSegment } from '../archive/segments.ts'
import { readArchive, readArchivePieces, readArchiveState } from '../archive/segments.ts'
import { isNotFound } from '../log/segment/files.ts'
import { wantedId } from './find-id.ts'
import { searchLines } from './find-in-log.ts'
import { countLines } from './line-numbers.ts'

export interface FoundInArchive {
  /** The segment's path. */
  readonly file: string
  /** The byte position of the line in the decompressed segment. */
  readonly position: number
  /** The number of the line in it, from 1. */
  readonly line: number
  /** JSON, without the line feed. */
  readonly value: string
}

export interface FindInArchiveOptions {
  readonly dir: string
  readonly messageId: string
  /** Ends the search; the result is what was found until then. */
  readonly signal: AbortSignal
  readonly background: Background
}

interface Result {
  readonly records: readonly FoundInArchive[]
  readonly complete: boolean
  /** Milliseconds since the epoch: every segment whose youngest record is younger was searched. Undefined if all were. */
  readonly back?: number
}

/**
 * Searches the segments of ARCHIVE for the records of a messageId, the newest segment first, and stops after the first
 * segment that has any. Changes nothing; a server may be writing. Holds a few MiB of one segment at a time. Rejects in words where the
 * archive or one of its segments cannot be read and no other has the record.
 */
export async function findInArchive({ dir, ...wanted }: FindInArchiveOptions): Promise<Result> {
  const { signal } = wanted
  // A server makes its archive when it starts.
  if ((await readArchiveState(dir)) === undefined) return { records: [], complete: true }
  const { segments } = await readArchive(dir)
  let damage: Error | undefined
  for (const segment of segments.toReversed()) {
    const records = await searchSegment(dir, segment, wanted).catch((error: unknown) => {
      // ARCHIVE_RETENTION has deleted it meanwhile.
      if (!isNotFound(error)) damage ??= error as Error
      return []
    })
    if (records.length > 0) return { records, complete: !signal.aborted }
    if (signal.aborted) return { records, complete: false, back: segment.latest }
  }
  if (damage !== undefined) throw damage
  return { records: [], complete: true }
}

async function searchSegment(
  dir: string,
  { file }: ArchiveSegment,
  { messageId, signal, background }: Omit<FindInArchiveOptions, 'dir'>
): Promise<FoundInArchive[]> {
  const path = join(dir, file)
  const searched = { wanted: wantedId(messageId), signal, background }
  const found: FoundInArchive[] = []
  let [lines, offset] = [0, 0]
  try {
    for await (const bytes of readArchivePieces(path)) {
      if (signal.aborted) break
      await background.slice()
      for (const { position, value } of await searchLines(bytes, 0, searched)) {
        const line = lines + 1 + countLines(bytes.subarray(0, position))
        found.push({ file: path, position: offset + position, line, value })
      }
      if (found.length > 0) break
      lines += countLines(bytes)
      offset += bytes.length
    }
  } catch (error) {
    if (isNotFound(error)) throw error
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return found
}
