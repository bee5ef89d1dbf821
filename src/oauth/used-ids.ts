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
/** How long an id has to be remembered. */
export const REMEMBERED_MS = REPLAY_WINDOW_SECONDS * 1000
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
  /** The ids that were used on this machine. */
  readonly own: UsedIds
  /** Claims the SHA-256 (hex) of an id for this server; false: another server was first. Rejects without Kafka. */
  readonly claim: (digest: string) => Promise<boolean>
  readonly log: { warn(facts: object, message: string): void }
}

/**
 * The ids of all servers of a fleet: each is used once by all of them together. While Kafka is away, an id is used once on
 * each machine, because clients that get no token would lose events; the log has one warning then.
 */
export function shareUsedIds({ own, claim, log }: SharedIdsOptions): UsedIds {
  let isTold = false
  return {
    async use(app, jti) {
      const used = await own.use(app, jti)
      if (used !== 'first') return used
      try {
        const isFirst = await claim(digestOf(app, jti))
        isTold = false
        return isFirst ? 'first' : 'replayed'
      } catch (error) {
        if (!isTold)
          log.warn({ problem: (error as Error).message }, 'ids of assertions are not shared with the fleet for now')
        isTold = true
        return 'first'
      }
    }
  }
}

const digestOf = (app: string, jti: string): string => hash('sha256', `${app}\n${jti}`, 'hex')

/** Milliseconds since the epoch; of a file that is gone: never. */
async function madeAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity
  )
}
