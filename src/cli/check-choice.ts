import { suggest } from '../config/suggest.ts'
import { ERRORS } from '../model/errors.ts'
import { REASONS } from '../model/reasons.ts'
import { UsageError } from './command.ts'

/**
 * Throws UsageError if `word` is not one of `known`. No event could match it: a list would be empty, and `tail` would wait for
 * ever.
 *
 * @param option the option as typed, such as `--type`
 */
export function checkChoice(option: string, word: string | undefined, known: readonly string[]): void {
  if (word === undefined || known.includes(word)) return
  const meant = suggest(word, known)
  const hint = meant === undefined ? `there are: ${known.join(', ')}` : `did you mean "${meant}"?`
  throw new UsageError(`${option}: there is no "${word}"; ${hint}`)
}

/** As checkChoice(), for `--code`: the reason of an event or of a stored body. Codes of whole requests are never stored. */
export function checkReason(code: string | undefined): void {
  if (code !== undefined && !Object.hasOwn(REASONS, code) && Object.hasOwn(ERRORS, code))
    throw new UsageError(
      `--code: ${code} refuses whole requests, which are not stored: see the debugger's Rejections, or GET /api/rejections`
    )
  checkChoice('--code', code, Object.keys(REASONS))
}
