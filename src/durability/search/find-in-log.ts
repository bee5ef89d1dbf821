import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Background } from '../../model/background.ts'
import { ifThere } from '../log/segment/files.ts'
import type { WantedId } from './find-id.ts'
import { hasId, isRecordOf, nextIdKey, wantedId } from './find-id.ts'
import { linesAt } from './line-numbers.ts'
import { LINE_FEED } from '../log/segment/lines.ts'
import { readSegmentFolder } from '../log/segment/segment-folder.ts'

export interface FoundInLog {
  /** The folder and the segment, as in a placement. */
  readonly file: string
  /** The byte position of the line. */
  readonly position: number
  /** The number of the line, from 1, as in editors; undefined if the time ran out before it was known. */
  readonly line: number | undefined
  /** JSON, without the line feed. */
  readonly value: string
}

export interface FindInLogOptions {
  /** Folders of segments. A folder that does not exist counts as empty. */
  readonly dirs: readonly string[]
  readonly messageId: string
  /** Ends the search; the result is what was found until then. */
  readonly signal: AbortSignal
  readonly background: Background
}

/** To search this many bytes takes about as long as one slice of background work. */
const CHUNK_BYTES = 2 * 1024 * 1024
const MAX_RECORDS = 20
/** The most bytes of a record. A longer run of bytes without a line feed is damaged, and is skipped. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/**
 * Searches folders of segments for the records of a messageId, the newest segment first, and stops after the first
 * segment that has any. Changes nothing; a server may be writing. Rejects with the file system's error.
 */
export async function findInLog(
  options: FindInLogOptions
): Promise<{ readonly records: readonly FoundInLog[]; readonly complete: boolean }> {
  const { dirs, signal, background } = options
  const wanted = wantedId(options.messageId)
  const records: FoundInLog[] = []
  for (const dir of dirs) {
    const folder = await ifThere(readSegmentFolder(dir))
    for (const { file } of folder?.segments().toReversed() ?? []) {
      if (signal.aborted) return { records, complete: false }
      records.push(...(await searchFile({ dir, file, wanted, signal, background })))
      if (records.length > 0) break
    }
  }
  return { records, complete: !signal.aborted }
}

interface SearchedFile {
  readonly dir: string
  readonly file: string
  readonly wanted: WantedId
  readonly signal: AbortSignal
  readonly background: Background
}

interface FoundLine {
  readonly position: number
  readonly value: string
}

async function searchFile(searched: SearchedFile): Promise<FoundInLog[]> {
  const { dir, file, signal, background } = searched
  const found: FoundLine[] = []
  for await (const { bytes, position } of wholeLines(join(dir, file))) {
    if (signal.aborted || found.length >= MAX_RECORDS) break
    await background.slice()
    found.push(...(await searchLines(bytes, position, searched)))
  }
  const positions = found.map(({ position }) => position)
  const lines = await linesAt(join(dir, file), positions, { signal, background })
  return found.map(({ position, value }, index) => ({
    file: join(basename(dir), file),
    position,
    line: lines[index],
    value
  }))
}

/** The records of an id in bytes that are whole lines. @param position the position of the first byte in the file */
export async function searchLines(
  bytes: Buffer,
  position: number,
  { wanted, signal, background }: Pick<SearchedFile, 'wanted' | 'signal' | 'background'>
): Promise<FoundLine[]> {
  const found: FoundLine[] = []
  for (let key = nextIdKey(bytes, 0); key >= 0 && found.length < MAX_RECORDS;) {
    let next = key + 1
    if (hasId(bytes, key, wanted)) {
      const start = bytes.lastIndexOf(LINE_FEED, key) + 1
      const end = bytes.indexOf(LINE_FEED, key)
      const value = bytes.toString('utf8', start, end)
      if (isRecordOf(value, wanted)) {
        found.push({ position: position + start, value })
        next = end
      }
    }
    if (background.isOver()) await background.slice()
    if (signal.aborted) break
    key = nextIdKey(bytes, next)
  }
  return found
}

/**
 * Yields the lines of a file that end in a line feed, many at once, with the position of each piece. Yields nothing if
 * the file is gone.
 */
async function* wholeLines(path: string): AsyncGenerator<{ readonly bytes: Buffer; readonly position: number }> {
  const file = await ifThere(open(path))
  if (file === undefined) return
  try {
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
  } finally {
    await file.close()
  }
}
