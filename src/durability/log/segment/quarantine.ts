import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_MODE, isNotFound, syncFolder } from './files.ts'
import { damagedName } from './segment-name.ts'

/**
 * Copies of a segment's damaged bytes are in one file beside it, `<name>.damaged`, one JSON line for each piece:
 * `{"offset":1024,"bytes":37,"base64":"..."}`. `jq -r .base64 FILE | base64 -d` shows them.
 */
const LINE = /^\{"offset":(\d+),"bytes":(\d+),"base64":"[A-Za-z0-9+/=]*"\}$/
const PIECE_BYTES = 256 * 1024

interface Span {
  readonly offset: number
  readonly bytes: number
}

export interface Quarantine {
  /**
   * Copies a range of the segment aside, durably. Resolves with false if that was done before, so that damage is
   * counted once, also over restarts. Rejects with the file system's error.
   */
  take(range: Span): Promise<boolean>
}

/** @param options.read reads bytes of the segment */
export function createQuarantine(options: {
  dir: string
  file: string
  read: (offset: number, bytes: number) => Promise<Buffer>
}): Quarantine {
  const path = join(options.dir, damagedName(options.file))
  let taken: Span[] | undefined

  async function copy(range: Span): Promise<void> {
    const handle = await open(path, 'a', FILE_MODE)
    try {
      // A crash may have cut the last line short: starts a new line.
      if ((await handle.stat()).size > 0) await handle.writeFile('\n')
      await copyPieces(handle, range, options.read)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await syncFolder(options.dir)
  }

  return {
    async take(range) {
      taken ??= await readSpans(path)
      if (isCovered(range, taken)) return false
      await copy(range)
      taken = joined([...taken, range])
      return true
    }
  }
}

async function copyPieces(
  to: FileHandle,
  range: Span,
  read: (offset: number, bytes: number) => Promise<Buffer>
): Promise<void> {
  const end = range.offset + range.bytes
  for (let offset = range.offset; offset < end; offset += PIECE_BYTES) {
    const piece = await read(offset, Math.min(PIECE_BYTES, end - offset))
    await to.writeFile(JSON.stringify({ offset, bytes: piece.length, base64: piece.toString('base64') }) + '\n')
  }
}

async function readSpans(path: string): Promise<Span[]> {
  const spans: Span[] = []
  try {
    const handle = await open(path, 'r')
    for await (const line of handle.readLines()) {
      const found = LINE.exec(line)
      if (found !== null) spans.push({ offset: Number(found[1]), bytes: Number(found[2]) })
    }
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  return joined(spans)
}

/** Joins adjacent spans. The result is in order. */
function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const span of spans.toSorted((a, b) => a.offset - b.offset)) {
    const last = result.at(-1)
    const end = span.offset + span.bytes
    if (last === undefined || last.offset + last.bytes < span.offset) result.push(span)
    else if (end > last.offset + last.bytes)
      result[result.length - 1] = { offset: last.offset, bytes: end - last.offset }
  }
  return result
}

function isCovered(range: Span, spans: readonly Span[]): boolean {
  const over = spans.findLast(span => span.offset <= range.offset)
  return over !== undefined && over.offset + over.bytes >= range.offset + range.bytes
}
