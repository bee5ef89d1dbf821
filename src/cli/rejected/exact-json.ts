/** Functions of Node that the type declarations lack: proposal-json-parse-with-source. */
interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): unknown
  rawJSON(text: string): object
}

const EXACT = JSON as unknown as ExactJson

/**
 * As JSON.parse, but each number keeps its text, so that JSON.stringify returns 12345678901234567890 and 1.0 unchanged. Such a
 * number is an opaque object. Throws SyntaxError.
 */
export function parseExactly(text: string): unknown {
  return EXACT.parse(text, (_key, value, { source }) => (typeof value === 'number' ? EXACT.rawJSON(source) : value))
}
