/** Limits the message, which is written to the log. */
const MAX_PROBLEMS = 100

/**
 * The operator's input cannot be used. The message lists all problems, one per line, so that nobody must start the server five
 * times to find five mistakes. No problem quotes a key or a password.
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

/** Checks the code, not instanceof, so that errors of another copy of this module are recognised. */
export function isConfigError(error: unknown): error is ConfigError {
  return error instanceof Error && (error as { code?: unknown }).code === 'CONFIG_INVALID'
}
