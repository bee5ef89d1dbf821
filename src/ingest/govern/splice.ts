/** Bytes [start, end) of a body and the text that replaces them. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * Returns a copy of `bytes` with all edits applied. Throws if two edits overlap.
 *
 * @param edits in any order
 */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const parts: Buffer[] = []
  let copied = 0
  for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start)) {
    if (start < copied) throw new Error('edits of a body overlap')
    parts.push(bytes.subarray(copied, start), Buffer.from(text))
    copied = end
  }
  parts.push(bytes.subarray(copied))
  return Buffer.concat(parts)
}
