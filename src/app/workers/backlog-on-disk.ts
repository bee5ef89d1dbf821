import type { Config } from '../../config/env/config.ts'
import { readSpoolBacklog } from '../../durability/spool/status.ts'
import { workerFolder, workerFolders } from '../../fleet/workers/folders.ts'

/**
 * The bytes in the folders of workers, former workers included, that Kafka has not confirmed, by the number of the folder. Rejects with the file
 * system's error.
 *
 * @param except the workers that report this themselves: their folders do so a moment later
 */
export async function readBacklogOnDisk(
  { kafka, dataDir }: Pick<Config, 'kafka' | 'dataDir'>,
  except: ReadonlySet<number>
): Promise<ReadonlyMap<number, number>> {
  if (kafka === undefined) return new Map()
  const folders = (await workerFolders(dataDir)).filter(index => !except.has(index))
  const read = async (index: number) => [index, (await readSpoolBacklog(workerFolder(dataDir, index))).bytes] as const
  return new Map(await Promise.all(folders.map(read)))
}
