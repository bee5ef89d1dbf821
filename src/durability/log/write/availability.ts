import type { LogLines } from '../contract.ts'
import { describeFileError } from '../segment/files.ts'

/** After a failure the log tries itself again after this time, then after twice as long each, up to the maximum. */
const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 2_000

export interface Availability {
  /** Why the folder cannot be written now, in words; undefined: it can. */
  problem(): string | undefined
  /** A write failed: no other write is tried until the probe succeeds. */
  fail(error: unknown): void
  /** Records were made durable: an outage is over. */
  markWriteSucceeded(): void
  /** Stops probing and waits for a running probe. */
  stop(): Promise<void>
}

/**
 * Whether a folder can be written, found out without traffic: after a failure `probe` runs until it succeeds.
 * An outage is logged once, when it begins, and once more when a record is durable again.
 */
export function createAvailability(options: { dir: string; probe: () => Promise<void>; log: LogLines }): Availability {
  const { dir, log } = options
  let problem: string | undefined
  let delay = FIRST_DELAY_MS
  let isOutage = false
  let timer: NodeJS.Timeout | undefined
  let probing: Promise<void> | undefined
  let stopped = false

  function schedule(): void {
    if (stopped || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      probing = probe()
    }, delay).unref()
    delay = Math.min(delay * 2, MAX_DELAY_MS)
  }

  async function probe(): Promise<void> {
    try {
      await options.probe()
      problem = undefined
    } catch (error) {
      problem = describe(error)
      schedule()
    }
  }

  function describe(error: unknown): string {
    return `${dir} cannot be written (${describeFileError(error)}): new records are refused, and it is tried again every 2 s`
  }

  return {
    problem: () => problem,
    fail(error) {
      problem = describe(error)
      if (!isOutage) log.error({ dir, err: error }, problem)
      isOutage = true
      schedule()
    },
    markWriteSucceeded() {
      if (!isOutage) return
      isOutage = false
      delay = FIRST_DELAY_MS
      log.info({ dir }, 'records can be written again')
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await probing
    }
  }
}
