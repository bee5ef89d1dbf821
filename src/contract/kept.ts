import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { digestOf, keep } from '../disk/kept-code.ts'

/**
 * Parses a YAML text whose value can also be written as JSON. The value is cached in `dir` under the digest of the text,
 * because parsing YAML takes 100 ms of a start. If `dir` cannot be written, nothing is cached.
 */
export function parseKept(text: string, dir: string): unknown {
  const file = join(dir, `${digestOf(text)}.json`)
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    const value: unknown = parse(text)
    keep(file, JSON.stringify(value))
    return value
  }
}
