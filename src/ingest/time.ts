import { parseDateTime } from '../contract/date-time.ts'

/** RFC 3339 knows the years 0000 to 9999 only. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z')
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Where the seconds end in `2026-01-02T03:04:05`. */
const SECONDS_END = 19
const ZERO = 0x30
const UPPER_Z = 0x5a

/** Milliseconds since the epoch of a date-time; NaN for anything else. Fractions below a millisecond are cut. */
export function toInstant(value: unknown): number {
  return typeof value === 'string' ? parseDateTime(value) : Number.NaN
}

/**
 * Segment's correction for wrong client clocks: timestamp = receivedAt - (sentAt - originalTimestamp), in
 * milliseconds (Segment's spec, "Timestamp overview"). NaN where the result would be no date-time.
 */
export function correctSkew(times: { original: number; sentAt: number; receivedAt: number }): number {
  const corrected = times.receivedAt - (times.sentAt - times.original)
  return corrected >= EARLIEST_MS && corrected <= LATEST_MS ? corrected : Number.NaN
}

/** How many bytes writeTime() writes. */
export const TIME_BYTES = 24

/** The events of a batch mostly fall into one second: its text, up to the point behind it, is made once. */
let lastSecond = Number.NaN
const lastPrefix = Buffer.alloc(SECONDS_END + 1)

/** Writes an instant as RFC 3339, to the millisecond, at `at`. */
export function writeTime(out: Uint8Array, at: number, instant: number): void {
  const second = Math.floor(instant / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastPrefix.write(new Date(second * 1000).toISOString(), 'latin1')
  }
  for (let i = 0; i <= SECONDS_END; i++) out[at + i] = lastPrefix[i] as number
  const milliseconds = instant - second * 1000
  out[at + 20] = ZERO + Math.floor(milliseconds / 100)
  out[at + 21] = ZERO + (Math.floor(milliseconds / 10) % 10)
  out[at + 22] = ZERO + (milliseconds % 10)
  out[at + 23] = UPPER_Z
}

/** The same as a text. */
export function toText(instant: number): string {
  const bytes = Buffer.allocUnsafe(TIME_BYTES)
  writeTime(bytes, 0, instant)
  return bytes.toString('latin1')
}
