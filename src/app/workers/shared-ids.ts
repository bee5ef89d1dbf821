import { randomInt, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { workerFolder, workerFolders } from '../../fleet/workers/folders.ts'
import type { SharedIds } from '../../fleet/workers/messages.ts'
import { seedOf } from '../../ingest/dedupe/seed-folder.ts'

const folderOf = (dataDir: string, index: number): string => join(workerFolder(dataDir, index), 'dedupe')

/** The seed with which all workers hash messageIds: that of the first folder that has one, so that its ids stay valid. */
async function sharedSeed(dataDir: string): Promise<readonly [number, number]> {
  for (const index of await workerFolders(dataDir)) {
    const seed = await seedOf(folderOf(dataDir, index)).catch(() => 'unusable' as const)
    if (typeof seed !== 'string') return seed
  }
  return [randomInt(2 ** 32), randomInt(2 ** 32)]
}

/** Returns what worker `index` shares, without the latest ids. The folders of earlier workers are read too. */
export async function createIdSharing(dataDir: string): Promise<(index: number) => Omit<SharedIds, 'recent'>> {
  const seed = await sharedSeed(dataDir)
  const sender = randomUUID()
  const folders = await workerFolders(dataDir)
  return index => ({
    seed,
    sender,
    others: folders.filter(other => other !== index).map(other => folderOf(dataDir, other))
  })
}
