import { isConfigError } from '../model/config-error.ts'

/** The text of an error that ends the server: the message if an operator can solve the problem, otherwise the stack. */
export function describeFatalError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return isConfigError(error) || 'code' in error ? error.message : String(error.stack)
}
