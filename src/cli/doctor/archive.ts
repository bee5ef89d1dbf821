import { resolve } from 'node:path'
import type { Config } from '../../config/env/config.ts'
import { findArchiveSegments, readArchive, readArchiveState } from '../../durability/archive/segments.ts'
import { isNotFound } from '../../durability/log/segment/files.ts'
import { counted } from '../counted.ts'
import type { Finding } from './finding.ts'

/** Checks ARCHIVE: whether it can be read, and how far it goes. None where it is not set. */
export async function checkArchive({ archive }: Config): Promise<Finding[]> {
  if (archive === undefined) return []
  const dir = resolve(archive.dir)
  try {
    if ((await readArchiveState(dir)) === undefined) return [await judgeMissing(dir)]
    const { segments } = await readArchive(dir)
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
    const latest = segments.at(-1)?.latest
    const until = latest === undefined ? '' : `, the last until ${new Date(latest).toISOString()}`
    const says = `ARCHIVE (${dir}) holds ${counted(segments.length, 'segment')}, ${bytes} bytes${until}`
    return [{ level: 'ok', area: 'archive', says }]
  } catch (error) {
    const todo = 'Give the folder to the user that runs the server, or restore archive.json together with its segments.'
    return [{ level: 'problem', area: 'archive', says: `ARCHIVE: ${(error as Error).message}`, todo }]
  }
}

async function judgeMissing(dir: string): Promise<Finding> {
  const segments = await findArchiveSegments(dir).catch((error: unknown) => {
    if (isNotFound(error)) return []
    throw error
  })
  if (segments.length > 0) throw new Error(`${dir} holds segments without their archive.json`)
  return {
    level: 'note',
    area: 'archive',
    says: `ARCHIVE (${dir}) is no archive yet: a server makes it when it starts`
  }
}
