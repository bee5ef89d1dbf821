import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isNotFound } from '../log/segment/files.ts'
import { comparePositions, loadPositions, POSITION_FILE } from '../log/segment/position-file.ts'
import { readSegmentFolder } from '../log/segment/segment-folder.ts'
import { sequenceOf } from '../log/segment/segment-name.ts'
import { REFUSED_FILE } from '../../model/sink.ts'

/** What a data folder holds for Kafka. */
export interface SpoolBacklog {
  readonly dir: string
  /** Bytes behind the position of the lane that is furthest behind. */
  readonly bytes: number
  readonly segments: number
}

/** Records of a data folder that Kafka does not have. */
export interface SpoolStatus extends SpoolBacklog {
  /** Records in refused.jsonl. */
  readonly refused: number
}

/** Reads the state of the spool in a data folder and changes nothing. A server may be running. */
export async function readSpoolStatus(dataDir: string): Promise<SpoolStatus> {
  return { ...(await readSpoolBacklog(dataDir)), refused: (await refusedLines(dataDir)).length }
}

/** As readSpoolStatus(), without reading refused.jsonl. */
export async function readSpoolBacklog(dataDir: string): Promise<SpoolBacklog> {
  const dir = join(dataDir, 'spool')
  try {
    const folder = await readSegmentFolder(dir)
    const { delivered } = await loadPositions(join(dir, POSITION_FILE))
    let bytes = 0
    let segments = 0
    for (const segment of folder.segments()) {
      const floor = delivered?.floor
      const isBefore = floor !== undefined && (sequenceOf(floor.file) ?? 0) > segment.sequence
      const start =
        floor !== undefined && comparePositions(floor, { file: segment.file, offset: 0 }) > 0 ? floor.offset : 0
      const left = isBefore ? 0 : Math.max(0, segment.bytes - start)
      if (left > 0) segments++
      bytes += left
    }
    return { dir, bytes, segments }
  } catch (error) {
    if (isNotFound(error)) return { dir, bytes: 0, segments: 0 }
    throw error
  }
}

/** All lines of refused.jsonl, unchanged; a torn last line is one of them. */
export async function refusedLines(dataDir: string): Promise<string[]> {
  const text = await readFile(join(dataDir, 'spool', REFUSED_FILE), 'utf8').catch((error: unknown) => {
    if (isNotFound(error)) return ''
    throw error
  })
  return text.split('\n').filter(line => line !== '')
}
