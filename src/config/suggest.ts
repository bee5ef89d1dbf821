/** Names are compared without case and separators: LOGLEVEL and log_level both mean LOG_LEVEL. */
const bare = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/** A shorter abbreviation (EVENTS, CONFIG) is probably a variable of another program. */
const MIN_ABBREVIATION_CHARS = 8

/**
 * The word of `known` that is most similar to `typed`: the same letters, one letter different (two in words of ten letters and
 * more), or a long prefix. Undefined if no word is similar. Words shorter than `shortest` must be the same, because HOME is
 * not a misspelt HOST.
 */
export function suggest(typed: string, known: readonly string[], shortest = 3): string | undefined {
  const word = bare(typed)
  let best: { name: string; distance: number } | undefined
  for (const name of known) {
    const target = bare(name)
    const distance = word.length >= MIN_ABBREVIATION_CHARS && target.startsWith(word) ? 1 : editDistance(word, target)
    const allowed = target.length < shortest ? 0 : target.length < 10 ? 1 : 2
    if (distance <= allowed && (best === undefined || distance < best.distance)) best = { name, distance }
  }
  return best?.name
}

/** The optimal string alignment distance: insertions, deletions, substitutions and swaps of adjacent letters. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      let least = Math.min(at(above, column) + 1, at(current, column - 1) + 1, at(above, column - 1) + cost)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) least = Math.min(least, at(before, column - 2) + 1)
      current.push(least)
    }
    before = above
    above = current
  }
  return at(above, b.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY
