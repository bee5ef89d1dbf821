import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'

/** The contents of a server's data folder, without `lock`, which stays there. */
const CONTENTS = ['events', 'rejected', 'violations', 'spool', 'dedupe'] as const
const WORKER_FOLDER = /^worker-(0|[1-9]\d{0,5})$/
const FOLDER_MODE = 0o750

export function workerFolder(dataDir: string, index: number): string {
  return join(dataDir, `worker-${index}`)
}

/** The numbers of the existing worker folders, in order. */
export async function workerFolders(dataDir: string): Promise<number[]> {
  const names = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .flatMap(name => WORKER_FOLDER.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

/** All folders with records of a server: its own, if it ran without workers, and those of its workers. */
export async function recordFolders(dataDir: string): Promise<string[]> {
  const workers = (await workerFolders(dataDir)).map(index => workerFolder(dataDir, index)).filter(holdsRecords)
  return workers.length === 0 || holdsRecords(dataDir) ? [dataDir, ...workers] : workers
}

/**
 * Prepares a data folder for `count` workers, before any of them runs. The data of a server without workers becomes
 * worker 0's, by one rename for each folder. After a crash between two renames, the next start continues.
 *
 * @returns the numbers of folders with records that no longer belong to a worker
 */
export async function prepareForWorkers(dataDir: string, count: number): Promise<number[]> {
  for (let index = 0; index < count; index++)
    await mkdir(workerFolder(dataDir, index), { recursive: true, mode: FOLDER_MODE })
  await moveContents(dataDir, { from: dataDir, to: workerFolder(dataDir, 0), least: count })
  await syncAll([dataDir, workerFolder(dataDir, 0)])
  return (await workerFolders(dataDir)).filter(index => index >= count && holdsRecords(workerFolder(dataDir, index)))
}

/**
 * Prepares a data folder that had workers for a server without workers. Does nothing if there were none.
 *
 * @returns the numbers of worker folders that still contain records
 */
export async function prepareWithoutWorkers(dataDir: string): Promise<number[]> {
  const folders = await workerFolders(dataDir)
  if (folders.length === 0) return []
  const first = workerFolder(dataDir, 0)
  if (folders.includes(0)) {
    for (const name of CONTENTS) {
      if (existsSync(join(first, name)) && !existsSync(join(dataDir, name)))
        await rename(join(first, name), join(dataDir, name))
    }
    await syncAll([first, dataDir])
  }
  return folders.filter(index => holdsRecords(workerFolder(dataDir, index)))
}

/** Moves contents that are in the way to a new folder with its own number. */
async function moveContents(
  dataDir: string,
  { from, to, least }: { readonly from: string; readonly to: string; readonly least: number }
): Promise<void> {
  let aside: string | undefined
  for (const name of CONTENTS) {
    if (!existsSync(join(from, name))) continue
    if (!existsSync(join(to, name))) {
      await rename(join(from, name), join(to, name))
      continue
    }
    if (aside === undefined) {
      aside = workerFolder(dataDir, Math.max(least, (await workerFolders(dataDir)).at(-1) ?? 0) + 1)
      await mkdir(aside, { mode: FOLDER_MODE })
    }
    await rename(join(from, name), join(aside, name))
    await syncAll([aside])
  }
}

function holdsRecords(dir: string): boolean {
  return CONTENTS.some(name => name !== 'dedupe' && existsSync(join(dir, name)))
}

/** Fsyncs folders: a rename is durable only if both of its folders are. */
async function syncAll(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) {
    const handle = await open(dir, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}
