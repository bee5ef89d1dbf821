import { parseDateTime } from '../contract/date-time.ts'

/** RFC 3339 knows the years 0000 to 9999 only. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z')
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Where the seconds end in `2026-01-02T03:04:05`. */
const SECONDS_END = 19

/** Milliseconds since the epoch of a date-time; NaN for anything else. Fractions below a millisecond are cut. */
export function toInstant(value: unknown): number {
  return typeof value === 'string' ? parseDateTime(value) : Number.NaN
}

/**
 * Segment's correction for wrong client clocks: timestamp = receivedAt - (sentAt - originalTimestamp), in
 * milliseconds (Segment's spec, "Timestamp overview"). Undefined where the result would be no date-time.
 */
export function correctSkew(times: { original: number; sentAt: number; receivedAt: number }): string | undefined {
  const corrected = times.receivedAt - (times.sentAt - times.original)
  if (!(corrected >= EARLIEST_MS && corrected <= LATEST_MS)) return undefined
  return toText(corrected)
}

/** The events of a batch mostly fall into one second: its text is made once. */
let lastSecond = Number.NaN
let lastPrefix = ''

/** RFC 3339, to the millisecond. */
export function toText(instant: number): string {
  const second = Math.floor(instant / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastPrefix = new Date(second * 1000).toISOString().slice(0, SECONDS_END)
  }
  return `${lastPrefix}.${String(1000 + instant - second * 1000).slice(1)}Z`
}
