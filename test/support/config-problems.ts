import { readEnvironment } from '../../src/config/env/environment.ts'
import { isConfigError } from '../../src/model/config-error.ts'

/** The problems of these variables, one on each line; empty if the server starts with them. */
export function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readEnvironment(env)
  } catch (error) {
    if (isConfigError(error)) return error.problems
    throw error
  }
  return []
}
