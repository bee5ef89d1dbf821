import { open } from 'node:fs/promises'
import { ifThere } from '../log/segment/files.ts'
import { LINE_FEED } from '../log/segment/lines.ts'
import type { Search } from './search.ts'

const CHUNK_BYTES = 1024 * 1024

/**
 * The line numbers, from 1, of byte positions in a file, in the order of the positions. Reads the file once, up to the
 * last position. Undefined if the file is gone, and for positions that were not reached before `signal` aborted.
 */
export async function linesAt(
  path: string,
  positions: readonly number[],
  { signal, background }: Pick<Search, 'signal' | 'background'>
): Promise<readonly (number | undefined)[]> {
  const known = new Map<number, number>()
  const wanted = positions.toSorted((a, b) => a - b)
  await using file = wanted.length === 0 ? undefined : await ifThere(open(path))
  if (file === undefined) return positions.map(() => undefined)
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let line = 1
  let at = 0
  for (const position of wanted) {
    while (at < position && !signal.aborted) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK_BYTES, position - at), at)
      if (bytesRead === 0) break
      await background.slice()
      line += countLines(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
    if (at === position) known.set(position, line)
  }
  return positions.map(position => known.get(position))
}

/** The number of line feeds. */
export function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++
  return lines
}
