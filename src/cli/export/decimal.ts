/** The digits of a DECIMAL in Parquet, SQL and Arrow that every reader supports. */
export const PRECISION = 38
/** The bytes of such a number in two's complement. */
export const DECIMAL_BYTES = 16
const LIMIT = 10n ** BigInt(PRECISION)
/** A longer text cannot fit: 38 digits, a sign, a point, an exponent, and some zeros without meaning. */
const MAX_CHARS = 80
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/

/**
 * Parses a JSON number to a multiple of 10^-scale. Undefined if the result is not exactly the number, or has more than
 * 38 digits.
 *
 * @param text the number as it was sent
 */
export function decimalOf(text: string, scale: number): bigint | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = (text.length <= MAX_CHARS && NUMBER.exec(text)) || []
  if (sign === undefined) return undefined
  const digits = BigInt(whole + fraction)
  const shift = scale - fraction.length + Number(exponent)
  if (shift > 2 * PRECISION && digits !== 0n) return undefined
  const factor = 10n ** BigInt(Math.min(Math.abs(shift), MAX_CHARS * 2))
  if (shift < 0 && digits % factor !== 0n) return undefined
  const value = digits === 0n ? 0n : shift < 0 ? digits / factor : digits * factor
  if (value >= LIMIT) return undefined
  return sign === '-' ? -value : value
}
