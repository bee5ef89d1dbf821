import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ifThere } from '../log/segment/files.ts'
import { MAX_RECORDS, searchLines } from './find-id.ts'
import { linesAt } from './line-numbers.ts'
import type { FoundRecord, Search, SearchResult } from './search.ts'
import { LINE_FEED } from '../log/segment/lines.ts'
import { readSegmentFolder } from '../log/segment/segment-folder.ts'

/** To search this many bytes takes about as long as one slice of background work. */
const CHUNK_BYTES = 2 * 1024 * 1024
/** The most bytes of a record. A longer run of bytes without a line feed is damaged, and is skipped. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/**
 * Searches folders of segments for the records of a messageId, the newest segment first, and stops after the first
 * segment that has any. Changes nothing; a server may be writing. Rejects with the file system's error.
 *
 * @param dirs a folder that does not exist counts as empty
 */
export async function findInLog(dirs: readonly string[], search: Search): Promise<SearchResult> {
  const { signal } = search
  const records: FoundRecord[] = []
  for (const dir of dirs) {
    const folder = await ifThere(readSegmentFolder(dir))
    for (const { file } of folder?.segments().toReversed() ?? []) {
      if (signal.aborted) return { records, complete: false }
      records.push(...(await searchFile(dir, file, search)))
      if (records.length > 0) break
    }
  }
  return { records, complete: !signal.aborted }
}

async function searchFile(dir: string, file: string, search: Search): Promise<FoundRecord[]> {
  const path = join(dir, file)
  const folder = basename(dir)
  const found: { position: number; value: string }[] = []
  for await (const { bytes, position: start } of wholeLines(path)) {
    if (search.signal.aborted || found.length >= MAX_RECORDS) break
    await search.background.slice()
    for (const { position, value } of await searchLines(bytes, search)) {
      found.push({ position: start + position, value })
    }
  }
  const positions = found.map(({ position }) => position)
  const lines = await linesAt(path, positions, search)
  const store = folder === 'spool' ? 'spool' : 'log'
  return found.map(({ position, value }, index) => {
    return { place: { store, file: join(folder, file), position }, line: lines[index], value }
  })
}

/**
 * Yields the lines of a file that end in a line feed, many at once, with the position of each piece. Yields nothing if
 * the file is gone.
 */
async function* wholeLines(path: string): AsyncGenerator<{ readonly bytes: Buffer; readonly position: number }> {
  await using file = await ifThere(open(path))
  if (file === undefined) return
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  /** The number of bytes at the start of the buffer that belong to an incomplete line. */
  let rest = 0
  for (let offset = 0; ;) {
    const { bytesRead } = await file.read(buffer, rest, buffer.length - rest, offset)
    if (bytesRead === 0) return
    const filled = rest + bytesRead
    const end = buffer.subarray(0, filled).lastIndexOf(LINE_FEED) + 1
    if (end > 0) yield { bytes: buffer.subarray(0, end), position: offset - rest }
    buffer.copyWithin(0, end, filled)
    rest = filled - end
    offset += bytesRead
    if (rest < buffer.length) continue
    if (rest < MAX_LINE_BYTES) buffer = Buffer.concat([buffer], 2 * rest)
    else rest = 0
  }
}
