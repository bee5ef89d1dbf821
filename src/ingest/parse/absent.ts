import { toInstant } from './time.ts'

/** White space, and what no reader shows: format characters, fillers, control characters, the blank of Braille. */
const BLANK = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\u2800]*$/u

/** Whether nothing of a text can be seen. As a messageId it tells no event from another: it counts as none. */
export function isBlank(text: string): boolean {
  return BLANK.test(text)
}

const ZERO_TIME_MS = Date.parse('0001-01-01T00:00:00Z')
/** Local time may be up to a day before or behind UTC. */
const DAY_MS = 86_400_000

/**
 * Whether a text is the zero value of Go's time.Time or .NET's DateTime, 0001-01-01T00:00:00, as any time zone spells it:
 * the field of a program that was never set. It counts as none, for no clock says so.
 */
export function isZeroTime(value: unknown): boolean {
  return Math.abs(toInstant(value) - ZERO_TIME_MS) < DAY_MS
}

const DIGIT_ZERO = 0x30
const FIRST_VISIBLE = 0x21
const LAST_VISIBLE = 0x7e

/** False only for texts that are not blank, told by their first byte; a text of no bytes has its closing quote there. */
export function mayBeBlank(first: number | undefined): boolean {
  return first === undefined || first < FIRST_VISIBLE || first > LAST_VISIBLE
}

/** False only for texts that are no zero time, told by the year. */
export function mayBeZeroTime(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === DIGIT_ZERO && bytes[start + 1] === DIGIT_ZERO && bytes[start + 2] === DIGIT_ZERO
}
