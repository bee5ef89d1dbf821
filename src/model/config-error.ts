/** The message becomes a line of the log. */
const MAX_PROBLEMS = 100

/**
 * What an operator typed cannot be used. The message names every problem at once, one a line, so that nobody has to
 * start the server five times to find five mistakes. No problem ever quotes a key or a password.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options: { cause?: unknown } = {}) {
    const named = problems.slice(0, MAX_PROBLEMS)
    if (problems.length > named.length) named.push(`and ${problems.length - named.length} more`)
    super(named.join('\n'), options)
    this.problems = named
  }
}

/** By brand, not by instanceof, so that two copies of this file still understand one another. */
export function isConfigError(error: unknown): error is ConfigError {
  return error instanceof Error && (error as { code?: unknown }).code === 'CONFIG_INVALID'
}
