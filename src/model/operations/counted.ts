/** A number with its noun in English: `1 file`, `2 files`. @param what the singular of a noun that takes an s */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
