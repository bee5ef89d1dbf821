import { toMilliseconds } from '../config/env/parsers.ts'
import { toInstant } from '../ingest/parse/time.ts'
import type { ParsedArguments } from './command.ts'
import { UsageError } from './command.ts'

export const TIME_HELP = '2026-11-23T10:00:00Z, 2026-11-23 (its begin in UTC), or an age such as 2h'

/**
 * Reads an option that is an instant, a day in UTC, or an age before now. Returns milliseconds since the epoch; undefined if
 * the option is missing. Throws UsageError for anything else.
 */
export function readTimeOption({ texts }: Pick<ParsedArguments, 'texts'>, name: string): number | undefined {
  const text = texts[name]
  if (text === undefined) return undefined
  const instant = toInstant(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)
  if (!Number.isNaN(instant)) return instant
  const age = toMilliseconds(text)
  if (age === undefined) throw new UsageError(`--${name} must be a time: ${TIME_HELP}`)
  return Date.now() - age
}
