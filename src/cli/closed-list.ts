import { suggest } from '../config/suggest.ts'
import { UsageError } from './command.ts'

/**
 * Refuses a word that is not in a closed list: no event can match it, so a list would be empty and a watch would wait for ever.
 *
 * @param option as the user types it, e.g. `--type`
 */
export function checkWord(option: string, word: string | undefined, known: readonly string[]): void {
  if (word === undefined || known.includes(word)) return
  const meant = suggest(word, known)
  const hint = meant === undefined ? `there are: ${known.join(', ')}` : `did you mean "${meant}"?`
  throw new UsageError(`${option}: there is no "${word}"; ${hint}`)
}
