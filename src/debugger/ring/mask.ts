import type { Background } from '../../model/background.ts'

/** Takes write keys out of texts. */
export interface Mask {
  (text: string): string
  /** The same for a text of any length, in slices of background work. */
  inSlices(text: string, background: Background): Promise<string>
}

export interface KnownKeys {
  isKey(text: string): boolean
  /** The lengths that keys have, in characters: only texts of such a length are worth a look. */
  lengths(): ReadonlySet<number>
  /** Another value whenever the keys may be others. */
  version(): unknown
}

const MASKED = '[write key]'

/** Strings of JSON, and words outside of them: those of a broken event, and numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|(?:[\w-]|\\u00[2-7][0-9a-fA-F])+/gs
/** A key can stand alone or in a URL. A word may spell characters as \u0041. */
const WORD = /(?:[\w-]|\\u00[2-7][0-9a-fA-F])+/g
/** The parts of a word that dashes join, and what looks like a key of our own making within one. */
const PARTS = /(?<![A-Za-z0-9_])[A-Za-z0-9_]+?(?=wk_)|wk_[A-Za-z0-9]+|[A-Za-z0-9_]+/g
const PART = /-|.wk_/
const KEY_NAME = /^"write_?key"$/i
const COLON = /^\s*:\s*$/

/** Words are mostly the same few; each is hashed once. */
const MAX_REMEMBERED_WORDS = 20_000
/** The clock is asked once for so many tokens. */
const TOKENS_PER_LOOK = 64

/**
 * Hides every write key that a source has now, however the client came to put it in its payload, and whatever stands
 * under the name `writeKey`, so that a revoked key is not shown either.
 */
export function createMask(keys: KnownKeys): Mask {
  let remembered = new Map<string, boolean>()
  let version: unknown
  let lengths: ReadonlySet<number> = new Set()
  let shortest = Infinity

  function refresh(): void {
    if (version === keys.version()) return
    version = keys.version()
    remembered = new Map()
    lengths = keys.lengths()
    shortest = Math.min(...lengths)
  }

  function isKey(word: string): boolean {
    if (!lengths.has(word.length)) return false
    let answer = remembered.get(word)
    if (answer !== undefined) return answer
    answer = keys.isKey(word)
    if (remembered.size >= MAX_REMEMBERED_WORDS) remembered = new Map()
    remembered.set(word, answer)
    return answer
  }

  /** Yields now and then, and returns the masked text. */
  function* work(text: string): Generator<undefined, string> {
    refresh()
    let masked = ''
    let copied = 0
    let looked = 0
    /** Behind the latest string that is the name of a key's member. */
    let named = -1
    for (const { 0: token, index } of text.matchAll(TOKEN)) {
      const isString = token.startsWith('"')
      const isNamed = named >= 0 && isString && COLON.test(text.slice(named, index))
      named = isString && KEY_NAME.test(token) ? index + token.length : -1
      const shown = isNamed ? `"${MASKED}"` : maskToken(token, isString)
      if (shown !== token) {
        masked += text.slice(copied, index) + shown
        copied = index + token.length
      }
      if (++looked % TOKENS_PER_LOOK === 0) yield
    }
    return copied === 0 ? text : masked + text.slice(copied)
  }

  function maskToken(token: string, isString: boolean): string {
    // No spelling of a character is shorter than the character.
    if (token.length < shortest) return token
    if (!isString) return maskWord(token)
    return isKey(content(token)) ? `"${MASKED}"` : token.replace(WORD, maskWord)
  }

  /** A word, or a part of it where dashes join several. */
  function maskWord(word: string): string {
    if (word.length < shortest) return word
    const plain = word.includes('\\') ? content(`"${word}"`) : word
    if (isKey(plain)) return MASKED
    const masked = PART.test(plain) && hasPart(plain) ? plain.replace(PARTS, maskPart) : plain
    return masked === plain ? word : masked
  }

  /** Whether a part between dashes is as long as a key. */
  function hasPart(word: string): boolean {
    for (let start = 0; start < word.length;) {
      const dash = word.indexOf('-', start)
      const end = dash < 0 ? word.length : dash
      if (end - start >= shortest) return true
      start = end + 1
    }
    return false
  }

  function maskPart(part: string): string {
    return isKey(part) ? MASKED : part
  }

  function mask(text: string): string {
    const working = work(text)
    let step = working.next()
    while (step.done !== true) step = working.next()
    return step.value
  }

  return Object.assign(mask, {
    async inSlices(text: string, background: Background): Promise<string> {
      const working = work(text)
      for (let step = working.next(); ; step = working.next()) {
        if (step.done === true) return step.value
        if (background.isOver()) await background.slice()
      }
    }
  })
}

function content(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  try {
    return String(JSON.parse(literal))
  } catch {
    return ''
  }
}
