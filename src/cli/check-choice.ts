import { suggest } from '../config/suggest.ts'
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
