import { readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ifThere, syncFolder, unlinkIfThere, writeDurably } from '../log/segment/files.ts'
import { ERASING, isGone, type EraseOptions } from './erasure.ts'

const RECORD = ',"record":'

/**
 * Removes lines from refused.jsonl, whose lines have the refused record in `record`.
 *
 * @returns the number of removed lines
 */
export async function eraseRefused(path: string, options: EraseOptions): Promise<number> {
  const isGoneRefused = (line: string): boolean => {
    const start = line.indexOf(RECORD)
    const record = start < 0 ? line : line.slice(start + RECORD.length, -1)
    return isGone(Buffer.from(record), options.erasure, Buffer.from(line))
  }
  return rewriteLines(path, options, lines => lines.map(isGoneRefused))
}

/**
 * Removes pieces from a `.damaged` file, whose lines have an offset and bytes in base64. Adjacent pieces are judged
 * together, because a text can begin in one piece and end in the next.
 *
 * @returns the number of removed pieces
 */
export async function eraseDamaged(path: string, options: EraseOptions): Promise<number> {
  return rewriteLines(path, options, lines => {
    const runs: { end: number; pieces: Buffer[] }[] = []
    for (const { offset, bytes } of lines.map(pieceOf)) {
      let run = runs.at(-1)
      if (run?.end !== offset) runs.push((run = { end: offset, pieces: [] }))
      run.end += bytes.length
      run.pieces.push(bytes)
    }
    return runs.flatMap(({ pieces }) => {
      const isRunGone = options.erasure.mayHold(Buffer.concat(pieces))
      return pieces.map(() => isRunGone)
    })
  })
}

/** A line that a crash has cut short is one piece, with its bytes unchanged. */
function pieceOf(line: string): { readonly offset: number; readonly bytes: Buffer } {
  try {
    const { offset, base64 } = JSON.parse(line) as { offset: number; base64: string }
    return { offset, bytes: Buffer.from(base64, 'base64') }
  } catch {
    const start = line.indexOf('"base64":"') + '"base64":"'.length
    return { offset: Number.NaN, bytes: Buffer.from(line.slice(start), 'base64') }
  }
}

/** @param judge returns for each line whether it is to be removed */
async function rewriteLines(
  path: string,
  { isDryRun = false, onStep }: EraseOptions,
  judge: (lines: readonly string[]) => boolean[]
): Promise<number> {
  const text = (await ifThere(readFile(path, 'utf8'))) ?? ''
  const lines = text.split('\n').filter(line => line !== '')
  const gone = judge(lines)
  const left = lines.filter((_, at) => gone[at] === false)
  const count = lines.length - left.length
  if (count === 0 || isDryRun) return count
  onStep?.()
  await writeDurably(path + ERASING, Buffer.from(left.map(line => `${line}\n`).join('')))
  onStep?.()
  if (left.length === 0) await unlinkIfThere(path)
  await (left.length === 0 ? unlinkIfThere(path + ERASING) : rename(path + ERASING, path))
  await syncFolder(dirname(path))
  return count
}
