import { stat, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { LogLines } from '../contract.ts'

/** Below either of these a disk counts as nearly full. */
const LOW_SHARE = 0.05
const LOW_BYTES = 1024 ** 3

export interface DiskSpace {
  /** Reads the free space. Never rejects. */
  check(): Promise<void>
  /** In words, when the disk is nearly full. */
  problem(): string | undefined
}

/** Watches how full the disk under a folder is; logs once each time it becomes nearly full. */
export function createDiskSpace(options: { dir: string; log: LogLines }): DiskSpace {
  const { dir, log } = options
  let problem: string | undefined

  return {
    problem: () => problem,
    async check() {
      try {
        const { bavail, blocks, bsize } = await statfs(dir)
        const free = bavail * bsize
        const isLow = free < LOW_BYTES || bavail < blocks * LOW_SHARE
        const before = problem
        problem = isLow
          ? `the disk at ${await mountPointOf(dir)} is nearly full: free space, set LOG_RETENTION, or move DATA_DIR to a larger disk`
          : undefined
        if (problem !== undefined && before === undefined) log.warn({ dir, freeBytes: free }, problem)
      } catch {
        // The log itself reports a missing folder.
      }
    }
  }
}

/** The folder at which the file system of `dir` is mounted: all folders on one disk have the same. Rejects if `dir` is missing. */
export async function mountPointOf(dir: string): Promise<string> {
  const { dev } = await stat(dir)
  let found = resolve(dir)
  for (;;) {
    const parent = dirname(found)
    if (parent === found || (await stat(parent)).dev !== dev) return found
    found = parent
  }
}
