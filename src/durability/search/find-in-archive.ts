import { join } from 'node:path'
import { readArchive, readArchivePieces, readArchiveState } from '../archive/segments.ts'
import { isNotFound } from '../log/segment/files.ts'
import { searchLines } from './find-id.ts'
import { countLines } from './line-numbers.ts'
import type { FoundRecord, Search, SearchResult } from './search.ts'

/**
 * Searches the segments of ARCHIVE for the records of a messageId, the newest segment first, and stops after the first
 * segment that has any. Changes nothing; a server may be writing. Holds a few MiB of one segment at a time. Rejects in words where the
 * archive or one of its segments cannot be read and no other has the record.
 */
export async function findInArchive(dir: string, search: Search): Promise<SearchResult> {
  const { signal } = search
  // A server makes its archive when it starts.
  if ((await readArchiveState(dir)) === undefined) return { records: [], complete: true }
  const { segments } = await readArchive(dir)
  let damage: Error | undefined
  for (const segment of segments.toReversed()) {
    const records = await searchSegment(join(dir, segment.file), search).catch((error: unknown) => {
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

async function searchSegment(file: string, search: Search): Promise<FoundRecord[]> {
  const found: FoundRecord[] = []
  let [lines, offset] = [0, 0]
  try {
    for await (const bytes of readArchivePieces(file)) {
      if (search.signal.aborted) break
      await search.background.slice()
      for (const { position, value } of await searchLines(bytes, search)) {
        const line = lines + 1 + countLines(bytes.subarray(0, position))
        found.push({ place: { store: 'archive', file, position: offset + position }, line, value })
      }
      if (found.length > 0) break
      lines += countLines(bytes)
      offset += bytes.length
    }
  } catch (error) {
    if (isNotFound(error)) throw error
    throw new Error(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return found
}
