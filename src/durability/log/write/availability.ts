import { setTimeout as sleep } from 'node:timers/promises'
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
  let probing: Promise<void> | undefined
  const stopping = new AbortController()

  async function probe(): Promise<void> {
    const { signal } = stopping
    while (problem !== undefined) {
      await sleep(delay, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      delay = Math.min(delay * 2, MAX_DELAY_MS)
      problem = await options.probe().then(() => undefined, describe)
    }
    probing = undefined
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
      probing ??= probe()
    },
    markWriteSucceeded() {
      if (!isOutage) return
      isOutage = false
      delay = FIRST_DELAY_MS
      log.info({ dir }, 'records can be written again')
    },
    async stop() {
      stopping.abort()
      await probing
    }
  }
}
