import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/**
 * Parses a YAML text whose value can also be written as JSON. The value is cached in `dir` under the digest of the text,
 * because parsing YAML takes 100 ms of a start. If `dir` cannot be written, nothing is cached.
 */
export function parseKept(text: string, dir: string): unknown {
  const file = join(dir, `${createHash('sha256').update(text).digest('hex')}.json`)
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    const value: unknown = parse(text)
    keep(file, JSON.stringify(value), dir)
    return value
  }
}

/** Writes the file by a rename, because another process may start at the same moment. */
function keep(file: string, json: string, dir: string): void {
  const unfinished = `${file}.${process.pid}`
  try {
    mkdirSync(dir, { recursive: true })
    writeFileSync(unfinished, json)
    renameSync(unfinished, file)
  } catch {
    // The next start parses the text again.
  }
}
