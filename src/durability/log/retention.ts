import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import type { LogLines, SegmentLog } from './contract.ts'
import { ifThere } from './segment/files.ts'

/** Which segments stay. A segment is deleted when either limit is exceeded. No limit: all segments stay. */
export interface RetentionPolicy {
  /** Milliseconds since the last record was written to the segment. */
  readonly ageMs?: number | undefined
  /** Of all logs together. */
  readonly bytes?: number | undefined
}

const INTERVAL_MS = 60_000

export interface RetentionOptions {
  readonly logs: readonly SegmentLog[]
  /** Whether the records of a log may be deleted now. Default: always. */
  readonly isExpendable?: (log: SegmentLog) => boolean
  readonly policy: RetentionPolicy
  readonly clock: Clock
  readonly log: LogLines
}

/**
 * Deletes closed segments, the oldest first: at once, then every minute. With a size limit also whenever a segment is
 * begun, because a log may grow by gigabytes in a minute.
 *
 * @returns a function that stops the checks and waits for a running one
 */
export function startRetention(options: RetentionOptions): () => Promise<void> {
  const { logs, policy, log } = options
  if (policy.ageMs === undefined && policy.bytes === undefined) return async () => undefined
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

  /** Segments that close during a check cause one more check. */
  function check(): void {
    isWanted = true
    checking ??= checkAll()
  }

  const stopFollowing = policy.bytes === undefined ? [] : logs.map(log => follow(log, check))
  const timer = setInterval(check, INTERVAL_MS).unref()
  check()
  return async () => {
    clearInterval(timer)
    for (const stop of stopFollowing) stop()
    await checking
  }
}

/** Calls `onBegun` when a new segment has its first bytes: then the one before it is closed. */
function follow(log: SegmentLog, onBegun: () => void): () => void {
  let newest = log.segments().at(-1)
  return log.subscribe(() => {
    const found = log.segments().at(-1)
    if (found === newest || found?.bytes === 0) return
    newest = found
    onBegun()
  })
}

/** Deletes the segments that the policy does not keep. Rejects with the file system's error. */
async function deleteDue({ logs, isExpendable = () => true, policy, clock, log }: RetentionOptions): Promise<void> {
  const { ageMs, bytes: maxBytes = Infinity } = policy
  const all = logs.filter(isExpendable).flatMap(from => from.segments().map(segment => ({ from, segment })))
  let total = all.reduce((sum, { segment }) => sum + segment.bytes, 0)
  // Names begin with the time, so those of several folders sort by age.
  const closed = all.filter(({ segment }) => segment.closed).sort((a, b) => (a.segment.file < b.segment.file ? -1 : 1))
  for (const { from, segment } of closed) {
    const { file, bytes } = segment
    const isOver = total > maxBytes
    const isOld = ageMs !== undefined && (await isOlder(join(from.dir, file), clock.now() - ageMs))
    if (!isOver && !isOld) continue
    total -= bytes
    await from.remove([{ file, bytes }])
    const reason = isOver ? 'size' : 'age'
    log.info({ dir: from.dir, file, bytes, reason }, 'deleted a segment that LOG_RETENTION no longer keeps')
  }
}

/** Whether the file was last written before `time`, in milliseconds since the epoch. False if it is missing. */
async function isOlder(path: string, time: number): Promise<boolean> {
  const found = await ifThere(stat(path))
  return found !== undefined && found.mtimeMs < time
}
