import { isConfigError } from '../model/config-error.ts'

/** Why the server cannot go on: what is the operator's to mend in words, all else with its stack. */
export function endInWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return isConfigError(error) || 'code' in error ? error.message : String(error.stack)
}
