import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createZstdCompress } from 'node:zlib'
import { openArchiveFolder } from '../archive/folder.ts'
import { readArchive, readArchiveLines, readArchiveState } from '../archive/segments.ts'
import { isNotFound, replaceFile, unlinkIfThere } from '../log/segment/files.ts'
import { isGone, type Erased, type EraseOptions, type Erasure } from './erasure.ts'

/**
 * Takes lines out of an archive. Safe to be cut short at any point: another call does what is left. Rejects with ArchiveInUse where
 * a server writes it, and with the error of the file system.
 *
 * @param dir ARCHIVE; one that is no archive yet holds nothing
 */
export async function eraseFromArchive(dir: string, { erasure, isDryRun = false }: EraseOptions): Promise<Erased> {
  const erased: Erased = { records: 0, files: 0 }
  if ((await readArchiveState(dir)) === undefined) return erased
  const folder = isDryRun ? undefined : await openArchiveFolder(dir)
  try {
    for (const { file } of (await readArchive(dir)).segments) {
      const path = join(dir, file)
      const { gone, left } = await measure(path, erasure)
      if (gone === 0) continue
      if (!isDryRun) await (left === 0 ? unlinkIfThere(path) : replaceFile(path, await compressLeft(path, erasure)))
      erased.records += gone
      erased.files++
    }
  } finally {
    await folder?.close()
  }
  return erased
}

async function measure(path: string, erasure: Erasure): Promise<{ readonly gone: number; readonly left: number }> {
  let [gone, left] = [0, 0]
  try {
    for await (const lines of readArchiveLines(path)) {
      const here = lines.filter(line => isGone(line, erasure)).length
      gone += here
      left += lines.length - here
    }
  } catch (error) {
    // Beside a dry run a server may write, and delete what ARCHIVE_RETENTION no longer keeps.
    if (!isNotFound(error)) throw error
    return { gone: 0, left: 0 }
  }
  return { gone, left }
}

/** As one frame, in memory: a segment is 16 MiB at most. */
function compressLeft(path: string, erasure: Erasure): Promise<Buffer> {
  async function* left(): AsyncGenerator<Buffer> {
    for await (const lines of readArchiveLines(path)) {
      const kept = lines.filter(line => !isGone(line, erasure))
      if (kept.length > 0) yield Buffer.concat(kept)
    }
  }
  return buffer(Readable.from(left(), { objectMode: false }).compose(createZstdCompress()))
}
