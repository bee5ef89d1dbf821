const DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Where the fixed part ends: `2026-01-02T03:04:05`. */
const SECONDS_END = 19

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const DAY_MS = 24 * 60 * MINUTE_MS

const ZERO = 0x30
const NINE = 0x39
const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const COLON = 0x3a
const BLANK = 0x20
const UPPER_T = 0x54
const UPPER_Z = 0x5a
/** Setting this bit makes an ASCII letter lower case. */
const CASE = 0x20
const LOWER_T = UPPER_T | CASE
const LOWER_Z = UPPER_Z | CASE

/** Whether parseDateTime accepts `text`. */
export function isDateTime(text: string): boolean {
  return !Number.isNaN(parseDateTime(text))
}

/**
 * Parses an RFC 3339 date-time (section 5.6). Returns milliseconds since the epoch, rounded down; NaN if `text` is no
 * date-time. Accepts any fraction, any offset, and what the section leaves to applications: a blank or a lower-case t
 * between date and time, and a lower-case z. Accepts an offset without a colon too (`+0530`, ISO 8601's basic form),
 * because callers of the SDKs send it and Segment accepts it. Refuses leap seconds (`:60`), because JavaScript's clock
 * has no instant for them.
 */
export function parseDateTime(text: string): number {
  if (text !== lastText) {
    const bytes = Buffer.from(text)
    lastInstant = parseDateTimeBytes(bytes, 0, bytes.length)
    lastText = text
  }
  return lastInstant
}

/** The last result: each time is parsed twice in a row, by the validator and by the code that computes with the time. */
let lastText = ''
let lastInstant = Number.NaN

/**
 * As parseDateTime, for bytes [start, end). It is one pass without a regular expression, because it runs for every event
 * and an expression with captures costs ten times as much. Date.parse would guess: it reads the year 0050 as 1950.
 */
export function parseDateTimeBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= SECONDS_END) return Number.NaN
  if (bytes[start + 4] !== MINUS || bytes[start + 7] !== MINUS) return Number.NaN
  if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return Number.NaN
  const between = bytes[start + 10] as number
  if ((between | CASE) !== LOWER_T && between !== BLANK) return Number.NaN
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2)
  const month = twoDigits(bytes, start + 5)
  const day = twoDigits(bytes, start + 8)
  const hour = twoDigits(bytes, start + 11)
  const minute = twoDigits(bytes, start + 14)
  const second = twoDigits(bytes, start + 17)
  if (!(year >= 0 && day >= 1 && day <= daysInMonth(year, month))) return Number.NaN
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN
  const local = daysSinceEpoch(year, month, day) * DAY_MS + (hour * 60 + minute) * MINUTE_MS + second * SECOND_MS
  const fraction = start + SECONDS_END
  const zone = fractionEnd(bytes, fraction, end)
  return zone < 0 ? Number.NaN : local + milliseconds(bytes, fraction, zone) - offsetMs(bytes, zone, end)
}

/** The position after the fraction that may begin at `at`; -1 if a point has no digits. */
function fractionEnd(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== POINT) return at
  let digits = at + 1
  while (digits < end && isDigit(bytes[digits] as number)) digits++
  return digits === at + 1 ? -1 : digits
}

/** Milliseconds from the first three digits of the fraction in bytes [at, end). */
function milliseconds(bytes: Uint8Array, at: number, end: number): number {
  let sum = 0
  for (let place = 1, value = 100; place <= 3 && at + place < end; place++, value /= 10) {
    sum += ((bytes[at + place] as number) - ZERO) * value
  }
  return sum
}

/** How far the local time is ahead of UTC, in milliseconds; NaN if bytes [at, end) are no offset. */
function offsetMs(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return Number.NaN
  const sign = bytes[at] as number
  if ((sign | CASE) === LOWER_Z) return end === at + 1 ? 0 : Number.NaN
  if (sign !== PLUS && sign !== MINUS) return Number.NaN
  const minutesAt = bytes[at + 3] === COLON ? at + 4 : at + 3
  if (end !== minutesAt + 2) return Number.NaN
  const hours = twoDigits(bytes, at + 1)
  const minutes = twoDigits(bytes, minutesAt)
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN
  return (sign === PLUS ? 1 : -1) * (hours * 60 + minutes) * MINUTE_MS
}

/** NaN if there are not two digits at `at`. Every comparison with NaN is false. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] as number
  const ones = bytes[at + 1] as number
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + (ones - ZERO) : Number.NaN
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return leap ? 29 : (DAYS[month] ?? 0)
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar. Years begin in March here, so that a leap day ends the year. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  return years * 365 + leapDays + dayOfYear - DAYS_BEFORE_EPOCH
}

/** From 0000-03-01 to 1970-01-01. */
const DAYS_BEFORE_EPOCH = 719_468
