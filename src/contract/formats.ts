import type { Ajv2020, Format as AjvFormat } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { isDateTime } from './date-time.ts'

/**
 * A longer string never has the format. Some regular expressions of ajv-formats backtrack, so that their time grows with
 * the square of the length of a hostile string.
 */
const MAX_FORMAT_CHARS = 1024

/** Formats that need no bound: their time was linear in the length of hostile strings, by measurement. */
const LINEAR: ReadonlySet<string> = new Set(['uri'])

type Format = Exclude<AjvFormat, string>

/** Every format of ajv-formats, bounded for long strings, and our own date-time. */
export const SAFE_FORMATS: Readonly<Record<string, Format>> = Object.fromEntries(
  Object.entries(fullFormats as Readonly<Record<string, Format>>).map(([name, format]) => [name, safe(name, format)])
)

/** Adds SAFE_FORMATS to `ajv`. */
export function addSafeFormats(ajv: Ajv2020): void {
  for (const [name, format] of Object.entries(SAFE_FORMATS)) ajv.addFormat(name, format)
}

function safe(name: string, format: Format): Format {
  if (name === 'date-time') return { type: 'string', validate: isDateTime }
  return LINEAR.has(name) ? format : bounded(format)
}

/** Formats of numbers, and formats that accept every string, are returned unchanged. */
function bounded(format: Format): Format {
  const check =
    typeof format === 'object' && 'validate' in format && format.type !== 'number' ? format.validate : format
  if (check instanceof RegExp) return (text: string) => text.length <= MAX_FORMAT_CHARS && check.test(text)
  if (typeof check !== 'function') return format
  const validate = check as (text: string) => boolean
  return (text: string) => text.length <= MAX_FORMAT_CHARS && validate(text)
}
