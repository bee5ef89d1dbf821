const DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Where the fixed part ends: `2026-01-02T03:04:05`. */
const SECONDS_END = 19

/**
 * Whether `text` is an RFC 3339 date-time (section 5.6) that names a real instant: any fraction, any offset, and what
 * the section leaves to applications: a blank or a small t between date and time, a small z. An offset without its
 * colon (`+0530`, ISO 8601's basic form) is taken too, because callers of the SDKs write it and Segment takes it. Leap
 * seconds (`:60`) are refused: no instant of the platform's clock stands for them.
 *
 * One pass over the characters, by hand: it runs for every event, and a pattern with its captures costs ten times more.
 */
export function isDateTime(text: string): boolean {
  if (text[4] !== '-' || text[7] !== '-' || text[13] !== ':' || text[16] !== ':') return false
  if (text[10] !== 'T' && text[10] !== ' ' && text[10] !== 't') return false
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const day = twoDigits(text, 8)
  if (!(year >= 0 && day >= 1 && day <= daysInMonth(year, twoDigits(text, 5)))) return false
  if (!(twoDigits(text, 11) <= 23 && twoDigits(text, 14) <= 59 && twoDigits(text, 17) <= 59)) return false
  const zone = skipFraction(text)
  return zone > 0 && isZone(text, zone)
}

/** The position behind the fraction, or behind the seconds where there is none; 0 where a point has no digits. */
function skipFraction(text: string): number {
  if (text[SECONDS_END] !== '.') return SECONDS_END
  let at = SECONDS_END + 1
  while (isDigit(text.charCodeAt(at))) at++
  return at === SECONDS_END + 1 ? 0 : at
}

function isZone(text: string, at: number): boolean {
  const sign = text[at]
  if (sign === 'Z' || sign === 'z') return text.length === at + 1
  if (sign !== '+' && sign !== '-') return false
  const minutes = text[at + 3] === ':' ? at + 4 : at + 3
  return text.length === minutes + 2 && twoDigits(text, at + 1) <= 23 && twoDigits(text, minutes) <= 59
}

/** NaN where two digits do not stand there: no comparison with it holds. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at)
  const ones = text.charCodeAt(at + 1)
  return isDigit(tens) && isDigit(ones) ? (tens - 48) * 10 + (ones - 48) : Number.NaN
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return leap ? 29 : (DAYS[month] ?? 0)
}
