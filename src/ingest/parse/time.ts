import { parseDateTime } from '../../contract/date-time.ts'

/** RFC 3339 knows the years 0000 to 9999 only. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z')
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Where the seconds end in `2026-01-02T03:04:05`. */
const SECONDS_END = 19
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const UPPER_Z = 0x5a

/** Milliseconds since the epoch of a date-time; NaN for anything else. Fractions below a millisecond are cut. */
export function toInstant(value: unknown): number {
  return typeof value === 'string' ? parseDateTime(value) : Number.NaN
}

/** Nobody sends an event a year before it happens: such a `sentAt` was never set, or the clock was set in between. */
const MOST_AHEAD_MS = 366 * 86_400_000

/**
 * Segment's correction for wrong client clocks: timestamp = receivedAt - (sentAt - originalTimestamp), in
 * milliseconds (Segment's spec, "Timestamp overview"). NaN where the result would be no date-time, or where the two
 * times of the client cannot be by one clock.
 */
export function correctSkew(times: { original: number; sentAt: number; receivedAt: number }): number {
  if (times.original - times.sentAt > MOST_AHEAD_MS) return Number.NaN
  const corrected = times.receivedAt - (times.sentAt - times.original)
  return corrected >= EARLIEST_MS && corrected <= LATEST_MS ? corrected : Number.NaN
}

/** Where a fraction's digits below milliseconds stand in a date-time. */
const FINER_AT = SECONDS_END + 1 + 3

/**
 * The digits below milliseconds of the date-time in bytes [start, end): bytes [from, to). A corrected time keeps them, since
 * events of one program are in order by them, and a correction is known to the millisecond only.
 */
export function finerDigits(
  bytes: Uint8Array,
  start: number,
  end: number
): { readonly from: number; readonly to: number } {
  const from = Math.min(start + FINER_AT, end)
  let to = from
  // What stands there in a shorter fraction is the offset, or lies behind it.
  if (bytes[start + SECONDS_END] === POINT && areDigits(bytes, start + SECONDS_END + 1, from)) {
    while (to < end && areDigits(bytes, to, to + 1)) to++
  }
  return { from, to }
}

function areDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte < ZERO || byte > NINE) return false
  }
  return true
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

/** An instant that a date-time was corrected to, with the digits below milliseconds that the date-time has. */
export function toFinerText(instant: number, original: string): string {
  const bytes = Buffer.from(original)
  const { from, to } = finerDigits(bytes, 0, bytes.length)
  return `${toText(instant).slice(0, -1)}${bytes.toString('latin1', from, to)}Z`
}
