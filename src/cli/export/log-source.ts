import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Config } from '../../config/env/config.ts'
import type { Position, SegmentSource } from '../../durability/log/contract.ts'
import { readLog } from '../../durability/log/read/log-reader.ts'
import { isNotFound, readAt } from '../../durability/log/segment/files.ts'
import { readSegmentFolder } from '../../durability/log/segment/segment-folder.ts'
import { sequenceOf } from '../../durability/log/segment/segment-name.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import { CommandFailed } from '../command.ts'
import type { ReadLines, Source, SourceOptions } from './source.ts'

/**
 * Where a run ended in a folder of segments, and the digest of the bytes before that, to detect whether they have
 * changed.
 */
type EndPosition = Position & { readonly digest: string }

const DIGEST_BYTES = 4096

interface Folder {
  /** The path below DATA_DIR. */
  readonly name: string
  readonly source: SegmentSource
  readonly chunks: ReturnType<typeof readLog>
}

/** Reads the event log of all workers from the positions on, to its current end. Rejects if it cannot be read. */
export async function openLogSource({ config, positions, note }: SourceOptions): Promise<Source> {
  const print = (_fields: object, says: string): void => note(says)
  const log = { info: () => undefined, warn: print, error: print }
  const folders: Folder[] = []
  let total = 0
  for (const home of await recordFolders(config.dataDir)) {
    const dir = join(home, 'events')
    const source = await readSegmentFolder(dir).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw new CommandFailed(`${dir} cannot be read: ${(error as Error).message}`)
    })
    if (source === undefined) continue
    const name = relative(config.dataDir, dir)
    const start = positions[name] as EndPosition | undefined
    if (start !== undefined) await checkUnchanged(source, start)
    folders.push({ name, source, chunks: readLog({ source, log, start }) })
    total += bytesFrom(source, start)
  }
  if (folders.length === 0) throw new CommandFailed(whereEventsAre(config))
  return {
    async *read() {
      for (const folder of folders) yield* readFolder(folder, total)
    }
  }
}

async function* readFolder({ name, source, chunks }: Folder, total: number): AsyncGenerator<ReadLines> {
  for await (const { lines, end } of chunks) {
    const values = lines.map(line => line.subarray(0, -1))
    const amount = lines.reduce((sum, { length }) => sum + length, 0)
    yield { values, amount, total, positions: { [name]: { ...end, digest: await digestOf(source.dir, end) } } }
  }
}

function bytesFrom(source: SegmentSource, start: Position | undefined): number {
  const sequence = (start && sequenceOf(start.file)) ?? 0
  const left = source.segments().filter(segment => segment.sequence >= sequence)
  const bytes = left.reduce((sum, segment) => sum + segment.bytes, 0)
  return left.some(({ file }) => file === start?.file) ? bytes - (start?.offset ?? 0) : bytes
}

/**
 * "tributary forget" rewrites segments, and DATA_DIR may be another folder: then a position means another place. A
 * missing segment is no sign of that, because LOG_RETENTION deletes the oldest ones.
 */
async function checkUnchanged({ dir, segments }: SegmentSource, { digest, ...start }: EndPosition): Promise<void> {
  const sequence = sequenceOf(start.file) ?? 0
  const all = segments()
  const same = all.find(segment => segment.sequence === sequence)
  const isGone = same === undefined && all.some(segment => segment.sequence > sequence)
  const isSame = isGone || (same?.file === start.file && (await digestOf(dir, start)) === digest)
  if (isSame) return
  throw new CommandFailed(
    `${join(dir, start.file)} is not what was exported before ("tributary forget" changes it, or DATA_DIR is another): export to a new --out`
  )
}

async function digestOf(dir: string, { file, offset }: Position): Promise<string> {
  const from = Math.max(0, offset - DIGEST_BYTES)
  const handle = await open(join(dir, file), 'r')
  try {
    return createHash('sha256')
      .update(await readAt(handle, from, offset - from))
      .digest('hex')
  } finally {
    await handle.close()
  }
}

function whereEventsAre({ dataDir, kafka, eventsTopic }: Config): string {
  const says = `${dataDir} has no log of events`
  return kafka === undefined
    ? `${says}: is DATA_DIR right?`
    : `${says}: with KAFKA_BROKERS they go to Kafka alone: ask for --topic ${eventsTopic}`
}
