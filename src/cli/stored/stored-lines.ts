import { join } from 'node:path'
import type { ArchiveSegment } from '../../durability/archive/segments.ts'
import { readArchive, readArchiveLines } from '../../durability/archive/segments.ts'
import { readLog } from '../../durability/log/read/log-reader.ts'
import { isNotFound } from '../../durability/log/segment/files.ts'
import { readSegmentFolder } from '../../durability/log/segment/segment-folder.ts'
import { CommandFailed } from '../command.ts'

/** Lines with their line feeds, and how many bytes of the whole they are. */
export interface StoredLines {
  readonly lines: readonly Buffer[]
  readonly bytes: number
}

/** What lies on disk, from the oldest line on. */
export interface Stored {
  readonly total: number
  read(): AsyncGenerator<StoredLines>
}

/** A folder of segments of DATA_DIR. Rejects with CommandFailed. @param note told of damaged lines, which are passed over */
export async function storedInLog(dir: string, note: (text: string) => void): Promise<Stored> {
  const source = await inWords(dir, () => readSegmentFolder(dir))
  const print = (_fields: object, says: string): void => note(says)
  return {
    total: source.segments().reduce((sum, { bytes }) => sum + bytes, 0),
    async *read() {
      for await (const { lines } of readLog({ source, log: { info: () => undefined, warn: print, error: print } })) {
        yield { lines, bytes: lines.reduce((sum, { length }) => sum + length, 0) }
      }
    }
  }
}

/** How far an archive goes, for somebody who looks for an event that is not in it yet. */
export function archiveReach(dir: string, segments: readonly ArchiveSegment[]): string {
  const last = segments.at(-1)
  if (last === undefined)
    return `${dir} has no segment yet: the server writes one every five minutes, and what is left when it stops`
  return `${dir} goes to ${new Date(last.latest).toISOString()}: what came since is in Kafka alone until the next segment`
}

/** Clocks of servers differ: the one that archives names segments by its own. */
const CLOCK_SLACK_MS = 3_600_000

/** An archive. Rejects with CommandFailed. @param from milliseconds since the epoch: segments that are older as a whole are passed over */
export async function storedInArchive(dir: string, from: number, note: (text: string) => void): Promise<Stored> {
  const { segments: all } = await inWords(dir, () => readArchive(dir))
  note(archiveReach(dir, all))
  const segments = all.filter(({ latest }) => latest >= from - CLOCK_SLACK_MS)
  return {
    total: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    async *read() {
      for (const { file, bytes } of segments) {
        for await (const lines of linesOfSegment(dir, file, note)) yield { lines, bytes: 0 }
        yield { lines: [], bytes }
      }
    }
  }
}

/** The lines of a segment; none where ARCHIVE_RETENTION has just deleted it. Throws CommandFailed. */
export async function* linesOfSegment(
  dir: string,
  file: string,
  note: (text: string) => void
): AsyncGenerator<Buffer[]> {
  const path = join(dir, file)
  try {
    yield* readArchiveLines(path)
  } catch (error) {
    if (!isNotFound(error))
      throw new CommandFailed(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
    note(`${path} was deleted meanwhile: ARCHIVE_RETENTION no longer keeps it`)
  }
}

async function inWords<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new CommandFailed(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
