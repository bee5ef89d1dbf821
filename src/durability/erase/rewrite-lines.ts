import { readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ifThere, syncFolder, unlinkIfThere, writeDurably } from '../log/segment/files.ts'
import type { EraseOptions, Erasure } from './erasure.ts'
import { ERASING, ignoreStep } from './erasure.ts'

/** A line of a file, with its content. */
interface Held {
  readonly line: string
  readonly isGone: boolean
}

/**
 * Removes lines from refused.jsonl, whose lines have the refused record in `record`.
 *
 * @returns the number of removed lines
 */
export async function eraseRefused(path: string, options: EraseOptions): Promise<number> {
  const { erasure } = options
  return rewriteLines(path, options, lines => lines.map(line => ({ line, isGone: isGoneRefused(line, erasure) })))
}

function isGoneRefused(line: string, { isGone, mayHold }: Erasure): boolean {
  const start = line.indexOf(',"record":')
  const record = Buffer.from(line.slice(start + ',"record":'.length, -1))
  // An incomplete line is judged by its bytes.
  return start < 0 || !isJson(record) ? mayHold(Buffer.from(line)) : isGone(record)
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString())
    return true
  } catch {
    return false
  }
}

/**
 * Removes pieces from a `.damaged` file, whose lines have an offset and bytes in base64. Adjacent pieces are judged
 * together, because a text can begin in one piece and end in the next.
 *
 * @returns the number of removed pieces
 */
export async function eraseDamaged(path: string, options: EraseOptions): Promise<number> {
  return rewriteLines(path, options, lines => {
    const runs: { end: number; lines: string[]; pieces: Buffer[] }[] = []
    for (const line of lines) {
      const { offset, bytes } = pieceOf(line)
      const last = runs.at(-1)
      if (last === undefined || last.end !== offset)
        runs.push({ end: offset + bytes.length, lines: [line], pieces: [bytes] })
      else {
        last.end += bytes.length
        last.lines.push(line)
        last.pieces.push(bytes)
      }
    }
    return runs.flatMap(run => {
      const isGone = options.erasure.mayHold(Buffer.concat(run.pieces))
      return run.lines.map(line => ({ line, isGone }))
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

async function rewriteLines(
  path: string,
  { isDryRun = false, onStep = ignoreStep }: EraseOptions,
  judge: (lines: readonly string[]) => Held[]
): Promise<number> {
  const text = (await ifThere(readFile(path, 'utf8'))) ?? ''
  const held = judge(text.split('\n').filter(line => line !== ''))
  const left = held.filter(({ isGone }) => !isGone)
  if (left.length === held.length || isDryRun) return held.length - left.length
  onStep('write', path)
  await writeDurably(path + ERASING, Buffer.from(left.map(({ line }) => `${line}\n`).join('')))
  onStep('replace', path)
  if (left.length === 0) await unlinkIfThere(path)
  await (left.length === 0 ? unlinkIfThere(path + ERASING) : rename(path + ERASING, path))
  await syncFolder(dirname(path))
  return held.length - left.length
}
