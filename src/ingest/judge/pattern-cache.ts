import type { ComparisonRulesByType, Pattern } from './pattern.ts'
import type { Scan } from '../parse/scan-result.ts'

/** The most patterns of a cache, so that a client that varies its events cannot fill the memory. */
const MAX_PATTERNS = 64

/** The patterns of recent events, by the number of their members, frequent patterns first. */
export class PatternCache {
  readonly #bySize: Pattern[][] = []
  #count = 0

  /** The pattern that an event matches; undefined if there is none. The event must be sound. */
  find(scan: Scan, bytes: Uint8Array, rules: ComparisonRulesByType): Pattern | undefined {
    const patterns = this.#bySize[scan.size]
    if (patterns === undefined) return undefined
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i] as Pattern
      const rule = rules[pattern.type]
      if (rule === undefined || !pattern.matches(scan, bytes, rule)) continue
      // Moves the pattern one step forward, so that frequent patterns come first.
      if (i > 0) [patterns[i - 1], patterns[i]] = [pattern, patterns[i - 1] as Pattern]
      return pattern
    }
    return undefined
  }

  /** @param pattern matches its own event: it has only known keys, each once, so that the number of its members is bounded */
  add(pattern: Pattern): void {
    const patterns = (this.#bySize[pattern.actions.length] ??= [])
    if (this.#count === MAX_PATTERNS) this.#longest(patterns).pop()
    else this.#count++
    patterns.push(pattern)
  }

  #longest(first: Pattern[]): Pattern[] {
    return this.#bySize.reduce((longest, each) => (each.length > longest.length ? each : longest), first)
  }
}
