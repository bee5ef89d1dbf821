import { open, realpath, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../../model/config-error.ts'

/** An edit takes milliseconds. An older lock was left by a process that was killed. */
const STALE_MS = 10_000
const RETRY_MS = 20
/** Longer than STALE_MS, so that a process can wait for the lock of a killed one to become stale. */
const LOCK_TIMEOUT_MS = STALE_MS + 2_000

/** Runs `use` with the file's lock, so that commands edit the file one at a time. */
export async function withEditLock<T>(file: string, use: () => Promise<T>): Promise<T> {
  // A symlink and its target share one lock.
  const target = await realpath(file).catch(() => file)
  const lock = join(dirname(target), `.${basename(target)}.lock`)
  const deadline = performance.now() + LOCK_TIMEOUT_MS
  while (!(await take(lock))) {
    if (performance.now() > deadline) throw new ConfigError([`${file}: somebody else is editing it (${lock})`])
    await sleep(RETRY_MS)
  }
  try {
    return await use()
  } finally {
    await rm(lock, { force: true })
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx')).close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const made = await stat(lock).catch(() => undefined)
    if (made !== undefined && Date.now() - made.mtimeMs > STALE_MS) await rm(lock, { force: true })
    return false
  }
}
