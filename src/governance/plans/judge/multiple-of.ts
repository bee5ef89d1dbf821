/**
 * Whether `value` is an integer multiple of `step`, which is above zero. Computes with decimals, as they were written:
 * 19.99 is a multiple of 0.01, although neither is a binary fraction and 19.99 / 0.01 is 1998.9999999999998. Segment's
 * validator (gojsonschema) computes with decimals too. A number beyond the range of doubles (1e400) is a multiple of
 * nothing.
 */
export function isMultipleOf(value: number, step: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(step)) return value % step === 0
  if (!Number.isFinite(value) || !Number.isFinite(step)) return false
  const [ofValue, ofStep] = [decimalOf(value), decimalOf(step)]
  const exponent = Math.min(ofValue.exponent, ofStep.exponent)
  return scaled(ofValue, exponent) % scaled(ofStep, exponent) === 0n
}

interface Decimal {
  readonly digits: bigint
  /** The exponent of ten. */
  readonly exponent: number
}

/** The shortest decimal that represents a double: the one that was written, if it had at most 15 digits. */
function decimalOf(value: number): Decimal {
  const [mantissa = '', power = '0'] = value.toExponential().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { digits: BigInt(whole + fraction), exponent: Number(power) - fraction.length }
}

/**
 * A decimal as a number of units of 10^exponent, which is not above its own exponent. Doubles keep this below 700
 * digits.
 */
function scaled({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to)
}
