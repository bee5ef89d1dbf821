import { parseArgs } from 'node:util'
import type { ParseArgsOptionsConfig } from 'node:util'
import { suggest } from '../config/suggest.ts'

/** Results go to `out`, so that commands can be piped; everything else to `note`. Both take one line or more. */
export interface Terminal {
  out(text: string): void
  note(text: string): void
}

/** One command of the command line. */
export interface Command {
  /** Usage, what it does, options, examples. */
  readonly help: string
  /** Throws UsageError for arguments that make no sense, ConfigError for a configuration that cannot be used. */
  run(args: readonly string[], terminal: Terminal): Promise<void>
}

/** Asked wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Done what was asked, and the answer is no: exit code 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

/** Events are left that can be delivered later: exit code 75. */
export class EventsLeft extends Error {
  override readonly name = 'EventsLeft'
}

export interface ParsedArguments {
  readonly texts: Readonly<Record<string, string | undefined>>
  /** Of options that may be given several times. */
  readonly lists: Readonly<Record<string, readonly string[] | undefined>>
  readonly flags: ReadonlySet<string>
  readonly positionals: readonly string[]
}

/**
 * Options and the words named by `positionals`, in order; one in brackets may be left out. Throws UsageError for an
 * unknown option and for a word too many, too few or empty.
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
    throw new UsageError(inWords(error as Error, Object.keys(options)), { cause: error })
  }
}

/** Node's words for a wrong option; for one that is not known, the one that was meant, or all there are. */
function inWords({ message }: Error, known: readonly string[]): string {
  const [says, name = ''] = /^Unknown option '(--?[^']*)'/.exec(message) ?? []
  if (says === undefined) return message
  const meant = suggest(name, known)
  if (meant !== undefined) return `${says}: did you mean --${meant}?`
  return known.length === 0
    ? `${says}: this command has none`
    : `${says}; there are: ${known.map(one => `--${one}`).join(', ')}`
}
