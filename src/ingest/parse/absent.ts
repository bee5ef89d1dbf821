import { toInstant } from './time.ts'

/** White space and invisible characters: format characters, fillers, control characters, the Braille blank. */
const BLANK = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\u2800]*$/u

/** Whether a text has no visible character. A blank messageId identifies no event, so it counts as missing. */
export function isBlank(text: string): boolean {
  return BLANK.test(text)
}

const ZERO_TIME_MS = Date.parse('0001-01-01T00:00:00Z')
/** Local time may be up to a day before or behind UTC. */
const DAY_MS = 86_400_000

/**
 * Whether a value is the zero value of Go's time.Time or .NET's DateTime, 0001-01-01T00:00:00, in any time zone: the program
 * never set the field. It counts as missing.
 */
export function isZeroTime(value: unknown): boolean {
  return Math.abs(toInstant(value) - ZERO_TIME_MS) < DAY_MS
}

const DIGIT_ZERO = 0x30
const FIRST_VISIBLE = 0x21
const LAST_VISIBLE = 0x7e

/** Whether a text may be blank, by its first byte; false only if it is not blank. For an empty text the byte is the quote. */
export function mayBeBlank(first: number | undefined): boolean {
  return first === undefined || first < FIRST_VISIBLE || first > LAST_VISIBLE
}

/** Whether a text may be a zero time, by its year; false only if it is none. */
export function mayBeZeroTime(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === DIGIT_ZERO && bytes[start + 1] === DIGIT_ZERO && bytes[start + 2] === DIGIT_ZERO
}
