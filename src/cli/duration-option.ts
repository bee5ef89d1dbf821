import { toMilliseconds } from '../config/env/parsers.ts'
import type { ParsedArguments } from './command.ts'
import { UsageError } from './command.ts'

/**
 * Reads an option such as `10s`, `500ms`, `2m` or a number of seconds. Returns milliseconds; undefined if the option is missing.
 * Throws UsageError for anything else.
 */
export function readDurationOption({ texts }: Pick<ParsedArguments, 'texts'>, name: string): number | undefined {
  const text = texts[name]
  if (text === undefined) return undefined
  const ms = /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : toMilliseconds(text)
  if (ms === undefined || !(ms > 0)) throw new UsageError(`--${name} must be a time such as 10s, 500ms or 2m`)
  return ms
}
