import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import type { LogLines, SegmentInfo, SegmentLog } from './contract.ts'
import { ifThere } from './segment/files.ts'

/** Which segments stay. A segment is deleted when either limit is exceeded. No limit: all segments stay. */
export interface RetentionPolicy {
  /** Milliseconds since the last record was written to the segment. */
  readonly ageMs?: number | undefined
  /** Of all logs together. */
  readonly bytes?: number | undefined
}

export interface Retention {
  /** Deletes the segments that are over a limit now. Never rejects. */
  check(): Promise<void>
  /** Stops the checks and waits for a running one. */
  stop(): Promise<void>
}

const INTERVAL_MS = 60_000

interface Candidate {
  readonly log: SegmentLog
  readonly segment: SegmentInfo
}

export interface RetentionOptions {
  readonly logs: readonly SegmentLog[]
  readonly policy: RetentionPolicy
  readonly clock: Clock
  readonly log: LogLines
}

/**
 * Deletes closed segments, the oldest first: at once, then every minute. With a size limit also whenever a segment is
 * begun, because a log may grow by gigabytes in a minute.
 */
export function startRetention(options: RetentionOptions): Retention {
  const { logs, policy, log } = options
  const isLimited = policy.ageMs !== undefined || policy.bytes !== undefined
  let isWanted = false
  let checking: Promise<void> | undefined

  async function checkAll(): Promise<void> {
    try {
      while (isWanted) {
        isWanted = false
        await deleteDue(options)
      }
    } catch (error) {
      log.warn({ err: error }, 'segments that are due cannot be deleted')
    }
    checking = undefined
  }

  const stopFollowing = policy.bytes === undefined ? [] : logs.map(follow)

  /** Checks again when a new segment has its first bytes: then the one before it is closed. */
  function follow(log: SegmentLog): () => void {
    let newest = log.segments().at(-1)
    return log.subscribe(() => {
      const found = log.segments().at(-1)
      if (found === newest || found?.bytes === 0) return
      newest = found
      void start()
    })
  }

  /** Segments that close during a check cause one more check. */
  async function start(): Promise<void> {
    if (!isLimited) return
    isWanted = true
    await (checking ??= checkAll())
  }

  const timer = setInterval(() => void start(), INTERVAL_MS).unref()
  void start()

  return {
    check: start,
    async stop() {
      clearInterval(timer)
      for (const stop of stopFollowing) stop()
      await checking
    }
  }
}

/** Deletes the segments that the policy does not keep. Rejects with the file system's error. */
async function deleteDue({ logs, policy, clock, log }: RetentionOptions): Promise<void> {
  // Names begin with the time, so those of several folders sort by age.
  const all = logs.flatMap(from => from.segments().map((segment): Candidate => ({ log: from, segment })))
  const closed = all.filter(one => one.segment.closed).sort((a, b) => (a.segment.file < b.segment.file ? -1 : 1))
  let bytes = all.reduce((sum, one) => sum + one.segment.bytes, 0)
  for (const candidate of closed) {
    const { log: from, segment } = candidate
    const reason = await dueBy(candidate, bytes, { policy, clock })
    if (reason === undefined) continue
    bytes -= segment.bytes
    const deleted = { file: segment.file, bytes: segment.bytes }
    await from.remove([deleted])
    log.info({ dir: from.dir, ...deleted, reason }, 'deleted a segment that LOG_RETENTION no longer keeps')
  }
}

/** @param bytes of all logs together */
async function dueBy(
  { log: from, segment }: Candidate,
  bytes: number,
  { policy, clock }: Pick<RetentionOptions, 'policy' | 'clock'>
): Promise<'size' | 'age' | undefined> {
  if (policy.bytes !== undefined && bytes > policy.bytes) return 'size'
  if (policy.ageMs === undefined) return undefined
  const found = await ifThere(stat(join(from.dir, segment.file)))
  return found !== undefined && clock.now() - found.mtimeMs > policy.ageMs ? 'age' : undefined
}
