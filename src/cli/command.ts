import { parseArgs } from 'node:util'
import type { ParseArgsOptionsConfig } from 'node:util'
import { suggest } from '../config/suggest.ts'

/** Writes results to `out`, so that they can be piped, and everything else to `note`. Both accept one or more lines. */
export interface Terminal {
  out(text: string): void
  note(text: string): void
}

/** One command of the command line. */
export interface Command {
  /** Usage, what it does, options, examples. */
  readonly help: string
  /** Rejects with UsageError for invalid arguments, and with ConfigError for a configuration that cannot be used. */
  run(args: readonly string[], terminal: Terminal): Promise<void>
}

/** The arguments are invalid: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command ran and failed, or its result is negative: exit code 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

/** Events remain that can be delivered later: exit code 75. */
export class EventsLeft extends Error {
  override readonly name = 'EventsLeft'
}

export interface ParsedArguments {
  readonly texts: Readonly<Record<string, string | undefined>>
  /** The values of options that may be repeated. */
  readonly lists: Readonly<Record<string, readonly string[] | undefined>>
  readonly flags: ReadonlySet<string>
  readonly positionals: readonly string[]
}

/**
 * Parses options and positional arguments. `positionals` are their names, in order; a name in brackets is optional. Throws
 * UsageError for an unknown option, and for too many, too few or empty positional arguments.
 */
export function parseArguments(
  args: readonly string[],
  { options = {}, positionals = [] }: { options?: ParseArgsOptionsConfig; positionals?: readonly string[] }
): ParsedArguments {
  const { values, positionals: words } = parse(args, options)
  const needed = positionals.filter(name => !name.startsWith('['))
  const missing = needed[words.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing`)
  const empty = positionals[words.indexOf('')]
  if (empty !== undefined) throw new UsageError(`${empty.replace(/^\[|\]$/g, '')} is empty`)
  if (words.length > positionals.length) throw new UsageError(`unexpected "${words[positionals.length]}"`)
  const entries = Object.entries(values)
  return {
    texts: Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    lists: Object.fromEntries(entries.filter((entry): entry is [string, string[]] => Array.isArray(entry[1]))),
    flags: new Set(entries.filter(([, value]) => value === true).map(([name]) => name)),
    positionals: words
  }
}

function parse(args: readonly string[], options: ParseArgsOptionsConfig): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(describeOptionError(error as Error, Object.keys(options)), { cause: error })
  }
}

/** Node's message about an option; for an unknown option also the most similar one, or all options. */
function describeOptionError({ message }: Error, known: readonly string[]): string {
  const [says, name = ''] = /^Unknown option '(--?[^']*)'/.exec(message) ?? []
  if (says === undefined) return message
  const meant = suggest(name, known)
  if (meant !== undefined) return `${says}: did you mean --${meant}?`
  return known.length === 0
    ? `${says}: this command has none`
    : `${says}; there are: ${known.map(one => `--${one}`).join(', ')}`
}
