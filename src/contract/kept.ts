import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/**
 * The value of a YAML text that JSON can say too. What came of the text is kept in `dir` under the text's digest, so
 * that only the first start with it parses YAML, which takes 100 ms; nothing is kept where nobody may write there.
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

/** Whole or not at all: others may be starting at this moment. */
function keep(file: string, json: string, dir: string): void {
  const unfinished = `${file}.${process.pid}`
  try {
    mkdirSync(dir, { recursive: true })
    writeFileSync(unfinished, json)
    renameSync(unfinished, file)
  } catch {
    // The next start parses it again.
  }
}
