import { mkdir, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { REFUSED_FILE, SinkUnavailable } from '../../model/sink.ts'

/** An event that Kafka never accepts as it is. */
export interface RefusedRecord {
  /** The record's line. */
  readonly line: Buffer
  readonly topic: string
  readonly reason: string
}

export interface RefusedFile {
  /** Resolves when every record is fsynced. Rejects with SinkUnavailable if the disk does not accept them now. */
  keep(records: readonly RefusedRecord[]): Promise<void>
}

const FILE_MODE = 0o640
const LINE_FEED = 0x0a

/**
 * Keeps events that Kafka refuses permanently (too large for the broker, invalid) beside the spool: one line each, with
 * the reason. They are not lost, and do not block other events.
 */
export function createRefusedFile(options: {
  readonly dir: string
  readonly maxBytes: number
  readonly now: () => number
}): RefusedFile {
  const path = join(options.dir, REFUSED_FILE)
  let last: Promise<void> = Promise.resolve()

  async function append(records: readonly RefusedRecord[]): Promise<void> {
    const refusedAt = new Date(options.now()).toISOString()
    const text = records.map(({ line, topic, reason }) => {
      const head = JSON.stringify({ refusedAt, topic, reason })
      return `${head.slice(0, -1)},"record":${line.toString().trimEnd()}}\n`
    })
    try {
      await mkdir(options.dir, { recursive: true })
      const handle = await open(path, 'a+', FILE_MODE)
      try {
        const { size } = await handle.stat()
        if (size > options.maxBytes) throw new Error(`${path} has reached SPOOL_MAX_BYTES: look at it and move it away`)
        const begin = (await endsInLine(handle, size)) ? '' : '\n'
        await handle.writeFile(`${begin}${text.join('')}`)
        await handle.datasync()
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw new SinkUnavailable(`records that Kafka refuses cannot be kept: ${(error as Error).message}`, {
        cause: error
      })
    }
  }

  return {
    keep(records) {
      // One append at a time, so that lines do not mix.
      last = last.catch(() => undefined).then(() => append(records))
      return last
    }
  }
}

/** False if a full disk or a crash has cut the last record short: the next record must then start on a new line. */
async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return bytesRead === 1 && buffer[0] === LINE_FEED
}
