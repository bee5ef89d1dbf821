/** Splits arguments into the words before the first option and the rest. "-" is a word. */
export function leadingWords(args: readonly string[]): {
  readonly words: readonly string[]
  readonly rest: readonly string[]
} {
  const at = args.findIndex(arg => arg.startsWith('-') && arg !== '-')
  return at < 0 ? { words: args, rest: [] } : { words: args.slice(0, at), rest: args.slice(at) }
}
