import { hash } from 'node:crypto'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { REPLAY_WINDOW_SECONDS } from './assertion.ts'

/** The ids of assertions that were used. */
export interface UsedIds {
  /**
   * Marks an id as used. 'replayed': it was before; 'too_many': more cannot be remembered now. Rejects with the file
   * system's error where it cannot be remembered.
   */
  use(app: string, jti: string): Promise<'first' | 'replayed' | 'too_many'>
}

/** Of one machine, in the time that each of them is remembered for. */
const MAX_IDS = 100_000
/** Twice the time in which an assertion can be used: the clock of the file system may be another. */
const KEEP_MS = 2 * REPLAY_WINDOW_SECONDS * 1000
const SWEEP_MS = 60_000

/**
 * Each id is an empty file, because making a file that must be new is one step for all processes of a machine: an id is used
 * once by all workers together, and stays used over a restart. Requests for tokens are few: one for each client in half the
 * life of a token.
 *
 * @param dir the folder; it is made with the first id
 * @param monotonic milliseconds
 */
export function openUsedIds(dir: string, monotonic: () => number): UsedIds {
  let sweptAt = -Infinity
  let sweeping: Promise<void> | undefined
  let count = 0

  async function sweep(): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const names = await readdir(dir)
    const oldest = Date.now() - KEEP_MS
    const ended = await Promise.all(
      names.map(async name => ((await madeAt(join(dir, name))) < oldest ? name : undefined))
    )
    const old = ended.filter(name => name !== undefined)
    await Promise.all(old.map(name => rm(join(dir, name), { force: true })))
    count = names.length - old.length
    sweptAt = monotonic()
  }

  return {
    async use(app, jti) {
      // All wait for it: the first one makes the folder.
      if (monotonic() - sweptAt > SWEEP_MS) await (sweeping ??= sweep().finally(() => (sweeping = undefined)))
      if (count >= MAX_IDS) return 'too_many'
      try {
        const file = await open(join(dir, hash('sha256', `${app}\n${jti}`, 'hex')), 'wx', 0o600)
        await file.close()
        count++
        return 'first'
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'replayed'
        throw error
      }
    }
  }
}

/** Milliseconds since the epoch; of a file that is gone: never. */
async function madeAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity
  )
}
