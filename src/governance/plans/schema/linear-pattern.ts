import { RE2JS } from 're2js'

/** Longer patterns are refused. */
const MAX_PATTERN_CHARS = 1_000
/**
 * The most instructions of a pattern's program. A match takes at most this many steps for each character of the text.
 */
const MAX_PATTERN_STEPS = 4_000

/** A pattern for ajv. The time of a match grows linearly with the length of the text. */
export interface LinearPattern {
  test(text: string): boolean
}

/**
 * Compiles a pattern of a plan with RE2, the engine that Segment's plans are written for: it has no look-around and no
 * back references. Throws a readable Error if RE2 does not accept the pattern, or if it is too large.
 */
export function compilePattern(pattern: string): LinearPattern {
  if (pattern.length > MAX_PATTERN_CHARS) throw new Error(`longer than ${MAX_PATTERN_CHARS} characters`)
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
  const steps = compiled.programSize()
  if (steps > MAX_PATTERN_STEPS) throw new Error(`it takes ${steps} steps a character; at most ${MAX_PATTERN_STEPS}`)
  return { test: text => compiled.test(text) }
}

/**
 * The engine for ajv. Ajv caches compiled patterns by the text of the returned object: if all had the same text, each
 * later pattern of an instance would be replaced by the first one without an error.
 */
export const ajvPatternEngine = Object.assign(
  (pattern: string): RegExp => {
    const compiled = compilePattern(pattern)
    return { test: compiled.test, toString: () => `linear:${pattern}` } as unknown as RegExp
  },
  { code: 'throw new Error("patterns of plans are not compiled to files")' }
)
