import type { Ajv2020 } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { isDateTime } from './date-time.ts'

/**
 * Above this many characters a string is not matched against a pattern: it does not have the format. Some patterns of
 * ajv-formats try again from many places, so their time would grow with the square of a hostile string's length.
 */
const MAX_FORMAT_CHARS = 1024

/** Linear in the string's length, measured on hostile ones: no bound needed. */
const LINEAR: ReadonlySet<string> = new Set(['uri'])

/** Teaches `ajv` every format of ajv-formats, safe on strings of any length, and our own date-time. */
export function addSafeFormats(ajv: Ajv2020): void {
  for (const [name, format] of Object.entries(fullFormats)) {
    if (name === 'date-time') ajv.addFormat(name, { type: 'string', validate: isDateTime })
    else ajv.addFormat(name, LINEAR.has(name) ? format : bounded(format))
  }
}

type Format = (typeof fullFormats)[keyof typeof fullFormats]

/** Formats of numbers, and those that accept every string, are returned as they are. */
function bounded(format: Format): Format {
  const check =
    typeof format === 'object' && 'validate' in format && format.type !== 'number' ? format.validate : format
  if (check instanceof RegExp) return (text: string) => text.length <= MAX_FORMAT_CHARS && check.test(text)
  if (typeof check !== 'function') return format
  const validate = check as (text: string) => boolean
  return (text: string) => text.length <= MAX_FORMAT_CHARS && validate(text)
}
