import { readEnvironment } from '../../src/config/env/environment.ts'
import { isConfigError } from '../../src/model/config-error.ts'

/** What is wrong with these variables, a line each; nothing where the server starts with them. */
export function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readEnvironment(env)
  } catch (error) {
    if (isConfigError(error)) return error.problems
    throw error
  }
  return []
}
