/** The words before the first option, of which a command takes any number, and what follows. "-" is a word. */
export function leadingWords(args: readonly string[]): {
  readonly words: readonly string[]
  readonly rest: readonly string[]
} {
  const at = args.findIndex(arg => arg.startsWith('-') && arg !== '-')
  return at < 0 ? { words: args, rest: [] } : { words: args.slice(0, at), rest: args.slice(at) }
}
