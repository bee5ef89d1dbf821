import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import type { TopicPosition } from '../kafka/topics/cursors.ts'
import { isNotFound } from '../log/segment/files.ts'
import { LINE_FEED } from '../log/segment/lines.ts'
import { segmentName, timeOf } from '../log/segment/segment-name.ts'

/** How far an archive is. What it does not name is no part of it. */
export interface ArchiveState {
  readonly version: number
  /** Tells it from any other archive. */
  readonly id: string
  /** The number of the last segment. */
  readonly sequence: number
  /** Where the next segment begins, by topic and partition. */
  readonly positions: Readonly<Record<string, TopicPosition>>
}

/** The topics of which an archive has read something. */
export function topicsIn(positions: ArchiveState['positions']): string[] {
  return [...new Set(Object.keys(positions).map(name => name.slice(0, name.lastIndexOf('/'))))]
}

/** One file of an archive. Only `tributary forget` changes it. */
export interface ArchiveSegment {
  readonly file: string
  readonly sequence: number
  /** Milliseconds since the epoch: no record of the segment is younger. */
  readonly latest: number
  readonly bytes: number
}

export const STATE_FILE = 'archive.json'
export const VERSION = 1
const END = '.zst'
const NAME = /^\d{8}T\d{6}Z-(\d{8,15})\.ndjson\.zst$/

/** `20261123T114300Z-00000042.ndjson.zst`: the time of its youngest record, rounded up to the second, and its number. */
export function archiveName(latest: number, sequence: number): string {
  return segmentName({ now: Math.ceil(latest / 1000) * 1000, sequence, after: undefined }) + END
}

/** Undefined for a folder that is no archive yet. Rejects where it cannot be read. */
export async function readArchiveState(dir: string): Promise<ArchiveState | undefined> {
  try {
    const state = JSON.parse(await readFile(join(dir, STATE_FILE), 'utf8')) as ArchiveState
    if (state.version !== VERSION) throw new Error('it is of another version of Tributary')
    return state
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw new Error(`${join(dir, STATE_FILE)} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** The segments that lie in a folder, in order, also one that is not committed. */
export async function findArchiveSegments(dir: string): Promise<ArchiveSegment[]> {
  const names = (await readdir(dir)).filter(name => NAME.test(name))
  const found = await Promise.all(
    names.map(async (file): Promise<ArchiveSegment[]> => {
      // Retention may just have deleted it.
      const about = await stat(join(dir, file)).catch(() => undefined)
      if (about === undefined) return []
      return [{ file, sequence: Number(NAME.exec(file)?.[1]), latest: timeOf(file), bytes: about.size }]
    })
  )
  return found.flat().sort((a, b) => a.sequence - b.sequence)
}

/**
 * Reads the id of an archive, which a server may be writing, and the segments that are part of it now. Rejects, in words,
 * where there is none.
 */
export async function readArchive(dir: string): Promise<{ id: string; segments: readonly ArchiveSegment[] }> {
  const state = await readArchiveState(dir)
  if (state === undefined) throw new Error(`there is no archive in ${dir}`)
  const found = await findArchiveSegments(dir)
  return { id: state.id, segments: found.filter(({ sequence }) => sequence <= state.sequence) }
}

/** Of decompressed bytes: about as many as one slice of background work can search. */
const PIECE_BYTES = 1024 * 1024

/** The whole lines of a segment, many at a time. Rejects with the error of the file system or of zstd. */
export async function* readArchivePieces(path: string): AsyncGenerator<Buffer> {
  const stream = createZstdDecompress({ chunkSize: PIECE_BYTES })
  // An error of either is thrown by the loop.
  pipeline(createReadStream(path), stream, () => undefined)
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(LINE_FEED) + 1
    rest = bytes.subarray(end)
    if (end > 0) yield bytes.subarray(0, end)
  }
}

/** The lines of a segment, each with its line feed, some at a time. Rejects as readArchivePieces() does. */
export async function* readArchiveLines(path: string): AsyncGenerator<Buffer[]> {
  for await (const bytes of readArchivePieces(path)) {
    const lines: Buffer[] = []
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      lines.push(bytes.subarray(start, end + 1))
      start = end + 1
    }
    yield lines
  }
}
