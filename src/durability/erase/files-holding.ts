import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { isNotFound } from '../log/segment/files.ts'

/**
 * The files in a folder, at any depth, that contain one of the texts, as paths relative to the folder. Rejects with the
 * file system's error.
 */
export async function filesHolding(dir: string, texts: readonly string[]): Promise<string[]> {
  const patterns = texts.map(text => Buffer.from(text))
  const entries = await readdir(dir, { withFileTypes: true, recursive: true })
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const found: string[] = []
  for (const path of paths.toSorted()) if (await holdsOneOf(path, patterns)) found.push(relative(dir, path))
  return found
}

async function holdsOneOf(path: string, patterns: readonly Buffer[]): Promise<boolean> {
  const overlap = Math.max(0, ...patterns.map(({ length }) => length - 1))
  let before: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      const bytes = Buffer.concat([before, chunk])
      if (patterns.some(pattern => bytes.includes(pattern))) return true
      before = bytes.subarray(Math.max(0, bytes.length - overlap))
    }
  } catch (error) {
    // A server may be running and may delete files.
    if (!isNotFound(error)) throw error
  }
  return false
}
