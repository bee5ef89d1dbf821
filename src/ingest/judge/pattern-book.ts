import type { ComparisonRulesByType, Pattern } from './pattern.ts'
import type { Scan } from '../parse/scan-result.ts'

/** So many are remembered of what came in one way: whoever makes up patterns must not fill the memory with them. */
const MAX_PATTERNS = 64

/** The patterns of the events that came last, by how many members they have, the frequent ones first. */
export class PatternBook {
  readonly #bySize: Pattern[][] = []
  #count = 0

  find(scan: Scan, bytes: Uint8Array, rules: ComparisonRulesByType): Pattern | undefined {
    const patterns = this.#bySize[scan.size]
    if (patterns === undefined) return undefined
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i] as Pattern
      const rule = rules[pattern.type]
      if (rule === undefined || !pattern.matches(scan, bytes, rule)) continue
      // One step forward, so that those stand in front that come most often.
      if (i > 0) [patterns[i - 1], patterns[i]] = [pattern, patterns[i - 1] as Pattern]
      return pattern
    }
    return undefined
  }

  /** @param pattern one that matches an event: it has known keys only, each once, and so no more members than there are */
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
