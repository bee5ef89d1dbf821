/** Takes write keys out of a text. */
export type Mask = (text: string) => string

export interface KnownKeys {
  isKey(text: string): boolean
  /** Another value whenever the keys may be others. */
  version(): unknown
}

const MASKED = '[write key]'

/** Strings of JSON, and words: a key can stand alone or in a URL. A word may spell characters as \u0041. */
const JSON_STRING = /"(?:[^"\\]|\\.)*"/gs
const WORD = /(?:[\w-]|\\u00[2-7][0-9a-fA-F])+/g
/** The parts of a word that dashes join, and what looks like a key of our own making within one. */
const PARTS = /(?<![A-Za-z0-9_])[A-Za-z0-9_]+?(?=wk_)|wk_[A-Za-z0-9]+|[A-Za-z0-9_]+/g
const PART = /-|.wk_/
const KEY_MEMBER = /("write_?key"\s*:\s*)"(?:[^"\\]|\\.)*"/gi

const MAX_KEY_CHARS = 128
/** Words are mostly the same few; each is hashed once. */
const MAX_REMEMBERED_WORDS = 20_000

/**
 * Hides every write key that a source has now, however the client came to put it in its payload, and whatever stands
 * under the name `writeKey`, so that a revoked key is not shown either.
 */
export function createMask(keys: KnownKeys): Mask {
  let remembered = new Map<string, boolean>()
  let version = keys.version()

  function isKey(word: string): boolean {
    if (word.length > MAX_KEY_CHARS || word === '') return false
    if (version !== keys.version()) {
      version = keys.version()
      remembered = new Map()
    }
    let answer = remembered.get(word)
    if (answer !== undefined) return answer
    answer = keys.isKey(word)
    if (remembered.size >= MAX_REMEMBERED_WORDS) remembered = new Map()
    remembered.set(word, answer)
    return answer
  }

  return text =>
    text
      .replace(KEY_MEMBER, `$1"${MASKED}"`)
      .replace(JSON_STRING, literal => (isKey(content(literal)) ? `"${MASKED}"` : literal))
      .replace(WORD, maskWord)

  /** A word, or a part of it where dashes join several. */
  function maskWord(word: string): string {
    const plain = word.includes('\\') ? content(`"${word}"`) : word
    if (isKey(plain)) return MASKED
    const masked = PART.test(plain) ? plain.replace(PARTS, maskPart) : plain
    return masked === plain ? word : masked
  }

  function maskPart(part: string): string {
    return isKey(part) ? MASKED : part
  }
}

function content(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  try {
    return String(JSON.parse(literal))
  } catch {
    return ''
  }
}
