import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isNotFound } from './files.ts'
import { LINE_FEED } from './lines.ts'
import { lookAtSegmentFolder } from './segment-folder.ts'

export interface FoundInLog {
  /** Folder and segment, as in a placement. */
  readonly file: string
  /** Byte position of the line. */
  readonly position: number
  /** Its number, from 1, as editors count. */
  readonly line: number
  /** JSON, without the line feed. */
  readonly value: string
}

export interface FindInLogOptions {
  /** Folders of segments; one that is not there holds nothing. */
  readonly dirs: readonly string[]
  readonly messageId: string
  /** Ends the search with what was found so far. */
  readonly signal: AbortSignal
}

const CHUNK_BYTES = 4 * 1024 * 1024
const MAX_RECORDS = 20

/**
 * Looks for the records of a messageId in folders of segments, the newest segment first, and stops after the first
 * segment that has any. Reads only; the server may be writing. Rejects with the file system's error.
 */
export async function findInLog(
  options: FindInLogOptions
): Promise<{ readonly records: readonly FoundInLog[]; readonly complete: boolean }> {
  const { dirs, messageId, signal } = options
  const records: FoundInLog[] = []
  for (const dir of dirs) {
    for (const file of await segmentsOf(dir)) {
      if (signal.aborted) return { records, complete: false }
      records.push(...(await searchFile({ dir, file, messageId, signal })))
      if (records.length > 0) break
    }
  }
  return { records, complete: !signal.aborted }
}

/** The line number of a byte position in a segment; undefined where the file is gone. */
export async function lineAt(dir: string, file: string, position: number): Promise<number | undefined> {
  const handle = await openIfThere(join(dir, file))
  if (handle === undefined) return undefined
  try {
    let line = 1
    for await (const { bytes, offset } of chunks(handle)) {
      if (offset >= position) break
      line += countLines(bytes, Math.min(bytes.length, position - offset))
    }
    return line
  } finally {
    await handle.close()
  }
}

async function segmentsOf(dir: string): Promise<string[]> {
  try {
    const folder = await lookAtSegmentFolder(dir)
    return folder
      .segments()
      .map(({ file }) => file)
      .toReversed()
  } catch (error) {
    if (isNotFound(error)) return []
    throw error
  }
}

async function searchFile(where: {
  readonly dir: string
  readonly file: string
  readonly messageId: string
  readonly signal: AbortSignal
}): Promise<FoundInLog[]> {
  const { dir, file, messageId, signal } = where
  const handle = await openIfThere(join(dir, file))
  if (handle === undefined) return []
  const needle = Buffer.from(JSON.stringify(messageId).slice(1, -1))
  const positions: { position: number; value: string }[] = []
  try {
    let rest = Buffer.alloc(0)
    for await (const { bytes, offset } of chunks(handle)) {
      if (signal.aborted || positions.length >= MAX_RECORDS) break
      const data = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      const start = offset - rest.length
      const whole = data.lastIndexOf(LINE_FEED) + 1
      for (const { at, value } of linesWith(data.subarray(0, whole), needle)) {
        if (isOf(value, messageId)) positions.push({ position: start + at, value })
      }
      // Copied: the next chunk is read into the same memory.
      rest = Buffer.from(data.subarray(whole))
    }
  } finally {
    await handle.close()
  }
  return Promise.all(
    positions.map(async ({ position, value }) => ({
      file: join(basename(dir), file),
      position,
      line: (await lineAt(dir, file, position)) ?? 0,
      value
    }))
  )
}

async function* chunks(handle: FileHandle): AsyncGenerator<{ readonly bytes: Buffer; readonly offset: number }> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let offset = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, offset)
    if (bytesRead === 0) return
    yield { bytes: buffer.subarray(0, bytesRead), offset }
    offset += bytesRead
  }
}

function* linesWith(bytes: Buffer, needle: Buffer): Generator<{ readonly at: number; readonly value: string }> {
  for (let found = bytes.indexOf(needle); found >= 0;) {
    const at = found === 0 ? 0 : bytes.lastIndexOf(LINE_FEED, found - 1) + 1
    const end = bytes.indexOf(LINE_FEED, found)
    if (end < 0) return
    yield { at, value: bytes.toString('utf8', at, end) }
    found = bytes.indexOf(needle, end)
  }
}

/** An event has its id at the top, a rejected record in its `event`. */
function isOf(value: string, messageId: string): boolean {
  try {
    const record = JSON.parse(value) as { messageId?: unknown; event?: { messageId?: unknown } | null }
    return record.messageId === messageId || record.event?.messageId === messageId
  } catch {
    return false
  }
}

function countLines(bytes: Buffer, end: number): number {
  let lines = 0
  for (let at = bytes.indexOf(LINE_FEED); at >= 0 && at < end; at = bytes.indexOf(LINE_FEED, at + 1)) lines++
  return lines
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
