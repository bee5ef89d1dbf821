import { hash } from 'node:crypto'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { REPLAY_WINDOW_SECONDS } from './assertion-times.ts'

/** The used ids (jti) of assertions. */
export interface UsedIds {
  /**
   * Marks an id as used. 'replayed': it was used before. 'too_many': no more ids can be remembered now. Rejects with the file
   * system's error if the id cannot be stored.
   */
  use(app: string, jti: string): Promise<'first' | 'replayed' | 'too_many'>
}

/** The most ids of a machine at a time. */
const MAX_IDS = 100_000
/** Twice the time in which an assertion is valid, because the file system's clock may differ. */
const KEEP_MS = 2 * REPLAY_WINDOW_SECONDS * 1000
/** How long a used id must be remembered. */
export const REMEMBERED_MS = REPLAY_WINDOW_SECONDS * 1000
const SWEEP_MS = 60_000

/**
 * Stores each id as an empty file, because creating a new file is atomic for all processes of a machine: an id is used once by
 * all workers together, and stays used after a restart. Requests for tokens are rare: one for each client in half of a token's
 * lifetime.
 *
 * @param dir the folder, which is created for the first id
 * @param monotonic the monotonic time in milliseconds
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
      // All callers wait for the sweep, because the first one creates the folder.
      if (monotonic() - sweptAt > SWEEP_MS) await (sweeping ??= sweep().finally(() => (sweeping = undefined)))
      if (count >= MAX_IDS) return 'too_many'
      try {
        const file = await open(join(dir, digestOf(app, jti)), 'wx', 0o600)
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

export interface SharedIdsOptions {
  /** The used ids of this machine. */
  readonly own: UsedIds
  /** Claims the SHA-256 (hex) of an id for this server; false if another server was first. Rejects if Kafka cannot be reached. */
  readonly claim: (digest: string) => Promise<boolean>
  readonly log: { warn(facts: object, message: string): void }
}

/**
 * The used ids of a fleet: an id is used once by all servers together. While Kafka is unavailable, an id can be used once on
 * each machine, because clients without a token would lose events. This is logged once as a warning.
 */
export function shareUsedIds({ own, claim, log }: SharedIdsOptions): UsedIds {
  let hasWarned = false
  return {
    async use(app, jti) {
      const used = await own.use(app, jti)
      if (used !== 'first') return used
      try {
        const isFirst = await claim(digestOf(app, jti))
        hasWarned = false
        return isFirst ? 'first' : 'replayed'
      } catch (error) {
        if (!hasWarned)
          log.warn({ problem: (error as Error).message }, 'ids of assertions are not shared with the fleet for now')
        hasWarned = true
        return 'first'
      }
    }
  }
}

const digestOf = (app: string, jti: string): string => hash('sha256', `${app}\n${jti}`, 'hex')

/** The time of the file's creation in milliseconds since the epoch; Infinity if the file is gone. */
async function madeAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity
  )
}
