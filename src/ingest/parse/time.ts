import { parseDateTime } from '../../contract/date-time.ts'

/** RFC 3339 has only the years 0000 to 9999. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z')
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** The length of `2026-01-02T03:04:05`. */
const SECONDS_END = 19
/** The length of its date. */
const DATE_END = 10
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const UPPER_T = 0x54
const UPPER_Z = 0x5a
const COLON = 0x3a

/** A date-time in milliseconds since the epoch, rounded down; NaN for all other values. */
export function toInstant(value: unknown): number {
  return typeof value === 'string' ? parseDateTime(value) : Number.NaN
}

/** An event a year after its `sentAt` is impossible: `sentAt` was never set, or the clock was changed in between. */
const MOST_AHEAD_MS = 366 * 86_400_000

/**
 * Segment's correction for wrong client clocks: timestamp = receivedAt - (sentAt - originalTimestamp), in
 * milliseconds since the epoch (Segment's spec, "Timestamp overview"). NaN if the result is no valid date-time, or if the
 * client's two times cannot come from one clock.
 */
export function correctSkew(times: { original: number; sentAt: number; receivedAt: number }): number {
  if (times.original - times.sentAt > MOST_AHEAD_MS) return Number.NaN
  const corrected = times.receivedAt - (times.sentAt - times.original)
  return isRfc3339(corrected) ? corrected : Number.NaN
}

/** The index of the first digit below milliseconds in a date-time. */
const FINER_AT = SECONDS_END + 1 + 3

/**
 * The span [from, to) of the digits below milliseconds in the date-time of bytes [start, end). A corrected time keeps these
 * digits, because they give the order of a program's events, and the correction itself has only milliseconds.
 */
export function subMillisDigits(
  bytes: Uint8Array,
  start: number,
  end: number
): { readonly from: number; readonly to: number } {
  const from = Math.min(start + FINER_AT, end)
  let to = from
  // With a shorter fraction, the bytes before `from` include the offset.
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

/**
 * Whether the date-time in bytes [start, end) is spelled so that every reader takes it: a `T`, and a `Z` or an offset with
 * its colon. A small `t` or `z` stops Go, Python, DuckDB, ClickHouse, Polars and PyArrow, a blank or `+0530` Go and Java.
 */
export function isCommonSpelling(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start + DATE_END] === UPPER_T && (bytes[end - 1] === UPPER_Z || bytes[end - 3] === COLON)
}

/** Whether RFC 3339 can spell an instant in UTC. */
export function isRfc3339(instant: number): boolean {
  return instant >= EARLIEST_MS && instant <= LATEST_MS
}

/** The number of bytes that writeTime() writes. */
export const TIME_BYTES = 24

/** The last second and its text up to the point after it: most events of a batch have times in the same second. */
let lastSecond = Number.NaN
const lastPrefix = Buffer.alloc(SECONDS_END + 1)

/** Writes an instant (milliseconds since the epoch) as RFC 3339 with milliseconds, in UTC, at `at`. */
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

/** An instant (milliseconds since the epoch) as RFC 3339 with milliseconds, in UTC. */
export function toText(instant: number): string {
  const bytes = Buffer.allocUnsafe(TIME_BYTES)
  writeTime(bytes, 0, instant)
  return bytes.toString('latin1')
}

/** A corrected instant as RFC 3339, with the digits below milliseconds of the original date-time. */
export function toPreciseText(instant: number, original: string): string {
  const bytes = Buffer.from(original)
  const { from, to } = subMillisDigits(bytes, 0, bytes.length)
  return `${toText(instant).slice(0, -1)}${bytes.toString('latin1', from, to)}Z`
}
