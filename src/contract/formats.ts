import type { Ajv2020 } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { isDateTime } from './date-time.ts'

/**
 * A longer string never has the format. Some regular expressions of ajv-formats backtrack, so that their time grows with
 * the square of the length of a hostile string.
 */
const MAX_FORMAT_CHARS = 1024

/** Formats that need no bound: their time was linear in the length of hostile strings, by measurement. */
const LINEAR: ReadonlySet<string> = new Set(['uri'])

/** Adds every format of ajv-formats to `ajv`, bounded for long strings, and our own date-time. */
export function addSafeFormats(ajv: Ajv2020): void {
  for (const [name, format] of Object.entries(fullFormats)) {
    if (name === 'date-time') ajv.addFormat(name, { type: 'string', validate: isDateTime })
    else ajv.addFormat(name, LINEAR.has(name) ? format : bounded(format))
  }
}

type Format = (typeof fullFormats)[keyof typeof fullFormats]

/** Formats of numbers, and formats that accept every string, are returned unchanged. */
function bounded(format: Format): Format {
  const check =
    typeof format === 'object' && 'validate' in format && format.type !== 'number' ? format.validate : format
  if (check instanceof RegExp) return (text: string) => text.length <= MAX_FORMAT_CHARS && check.test(text)
  if (typeof check !== 'function') return format
  const validate = check as (text: string) => boolean
  return (text: string) => text.length <= MAX_FORMAT_CHARS && validate(text)
}
