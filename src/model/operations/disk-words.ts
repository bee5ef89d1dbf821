const MIB = 1024 ** 2
const GIB = 1024 ** 3

/** `23 MiB`, and from 1 GiB on `1.5 GiB`. */
export function describeSize(bytes: number): string {
  return bytes < GIB ? `${Math.floor(bytes / MIB)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`
}

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
/** A later time is not reported. */
const FAR_MS = 365 * DAY_MS

/**
 * `full in 9 days at this rate`, `full in 5 hours at this rate`; undefined if the time is too long to report.
 *
 * @param fullInMs milliseconds
 */
export function describeTimeUntilFull(fullInMs: number | undefined): string | undefined {
  if (fullInMs === undefined || fullInMs > FAR_MS) return undefined
  const [count, unit] = fullInMs < 2 * DAY_MS ? [fullInMs / HOUR_MS, 'hour'] : [fullInMs / DAY_MS, 'day']
  const whole = Math.floor(count)
  if (whole === 0) return 'full in less than an hour at this rate'
  return `full in ${whole} ${whole === 1 ? unit : `${unit}s`} at this rate`
}

/** Below this time, in milliseconds, the operator should act. */
export const FULL_SOON_MS = 30 * DAY_MS
/** Below this time, in milliseconds, the operator should act now. */
export const FULL_VERY_SOON_MS = 2 * DAY_MS
