import { hash } from 'node:crypto'
import { ConfigError } from '../../model/config-error.ts'

/** The prefix of the SHA-256 of an id, in hex. */
const DIGEST_PREFIX = 'sha256:'
const DIGEST = /^sha256:[0-9a-f]{64}$/i
/** Begins a line that is a comment. */
const COMMENT = '#'

/**
 * The form in which a command or the API adds an id to the list, so that the list contains no plain id.
 *
 * @param id exact and case-sensitive, as clients send it
 */
export function digestOf(id: string): string {
  return DIGEST_PREFIX + hash('sha256', id)
}

/** An entry in the form in which entries are compared: digests in lower case, everything else unchanged. */
export function normalEntry(entry: string): string {
  return DIGEST.test(entry) ? entry.toLowerCase() : entry
}

/**
 * Parses a suppression file: each line has one id, or its SHA-256 as `sha256:` and 64 hex digits. Empty lines and lines
 * that begin with `#` are ignored.
 *
 * @throws ConfigError with `file:line` for each `sha256:` that is not valid
 */
export function parseEntries(text: string, fileName: string): string[] {
  const problems: string[] = []
  const entries: string[] = []
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.replace(/\r$/, '')
    if (line.trim() === '' || line.startsWith(COMMENT)) continue
    if (line.toLowerCase().startsWith(DIGEST_PREFIX) && !DIGEST.test(line)) {
      problems.push(`${fileName}:${index + 1}:1: sha256: must be followed by 64 hex digits`)
    }
    entries.push(normalEntry(line))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return entries
}

/** A set of ids, given as plain text or as digests. */
export class SuppressedIds {
  readonly #plain = new Set<string>()
  readonly #digests = new Set<string>()

  constructor(entries: Iterable<string>) {
    for (const entry of entries) {
      if (DIGEST.test(entry)) this.#digests.add(entry.toLowerCase())
      else this.#plain.add(entry)
    }
  }

  get size(): number {
    return this.#plain.size + this.#digests.size
  }

  has(id: string): boolean {
    if (this.#plain.has(id)) return true
    return this.#digests.size > 0 && this.#digests.has(digestOf(id))
  }
}
