import { RE2JS } from 're2js'

/** Longer patterns are refused. */
const MAX_PATTERN_CHARS = 1_000
/** Instructions of one pattern's program: matching costs at most so many steps for each character of the text. */
const MAX_PATTERN_STEPS = 4_000

/** A pattern in ajv's sense, matched in time that grows with the text's length and no faster. */
export interface LinearPattern {
  test(text: string): boolean
}

/**
 * Compiles a pattern of a plan for RE2, the engine that Segment's plans are written for: no look-around, no back
 * references. Throws an Error in words where it is none that RE2 takes, or is larger than we take.
 */
export function compilePattern(pattern: string): LinearPattern {
  if (pattern.length > MAX_PATTERN_CHARS) throw new Error(`longer than ${MAX_PATTERN_CHARS} characters`)
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
  const steps = compiled.programSize()
  if (steps > MAX_PATTERN_STEPS) throw new Error(`it takes ${steps} steps a character; at most ${MAX_PATTERN_STEPS}`)
  return { test: text => compiled.test(text) }
}

/**
 * The engine as ajv wants it. Ajv keeps compiled patterns under the text of what the engine returns: without a text of
 * its own each later pattern of an instance would silently be the first one.
 */
export const ajvPatternEngine = Object.assign(
  (pattern: string): RegExp => {
    const compiled = compilePattern(pattern)
    return { test: compiled.test, toString: () => `linear:${pattern}` } as unknown as RegExp
  },
  { code: 'throw new Error("patterns of plans are not compiled to files")' }
)
