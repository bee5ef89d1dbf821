import { readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Position } from './contract.ts'
import { inWords, isNotFound, syncFolder, writeDurably } from './files.ts'
import { isSegmentName, sequenceOf } from './segment-name.ts'

/** Where in a folder of segments the relay has got to: `{"file":"...","offset":1024,"check":"9a3c1f20"}`. */
export const POSITION_FILE = 'position.json'

/**
 * Replaces the position in one step: a crash at any point leaves the old one or the new one.
 * Rejects with the file system's error.
 */
export async function savePosition(path: string, position: Position): Promise<void> {
  const { file, offset } = position
  await writeDurably(`${path}.tmp`, Buffer.from(JSON.stringify({ file, offset, check: checkOf(position) }) + '\n'))
  await rename(`${path}.tmp`, path)
  await syncFolder(dirname(path))
}

/** The stored position; undefined, with the reason in words, when there is none that can be believed. */
export async function loadPosition(path: string): Promise<{ position?: Position; problem?: string }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return isNotFound(error) ? {} : { problem: inWords(error) }
  }
  const position = parse(text)
  return position === undefined ? { problem: 'the position file is damaged' } : { position }
}

function parse(text: string): Position | undefined {
  try {
    const { file, offset, check } = JSON.parse(text) as Record<string, unknown>
    if (typeof file !== 'string' || !isSegmentName(file)) return undefined
    if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) return undefined
    return check === checkOf({ file, offset }) ? { file, offset } : undefined
  } catch {
    return undefined
  }
}

function checkOf(position: Position): string {
  return crc32(`${position.file} ${position.offset}`).toString(16).padStart(8, '0')
}

/** Negative when `a` lies before `b`, 0 when they are the same place, positive when it lies behind. */
export function comparePositions(a: Position, b: Position): number {
  return (sequenceOf(a.file) ?? 0) - (sequenceOf(b.file) ?? 0) || a.offset - b.offset
}
