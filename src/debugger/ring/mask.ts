import type { Background } from '../../model/background.ts'

/** Masks write keys in texts. */
export interface Mask {
  (text: string): string
  /** The same for long texts, in slices of background work. */
  inSlices(text: string, background: Background): Promise<string>
}

export interface KnownKeys {
  isKey(text: string): boolean
  /** The lengths of keys, in characters: only texts of such a length can be keys. */
  lengths(): ReadonlySet<number>
  /** A different value whenever the keys may have changed. */
  version(): unknown
}

const MASKED = '[write key]'

/** JSON strings, and words outside of strings: numbers, and words of an event that is not valid JSON. */
const TOKEN = /"(?:[^"\\]|\\.)*"|(?:[\w-]|\\u00[2-7][0-9a-fA-F])+/gs
/** A key can be a whole string or a part of a URL. A word may have characters escaped as \u0041. */
const WORD = /(?:[\w-]|\\u00[2-7][0-9a-fA-F])+/g
/** The parts of a word between dashes, and within a part what looks like a generated key. */
const PARTS = /(?<![A-Za-z0-9_])[A-Za-z0-9_]+?(?=wk_)|wk_[A-Za-z0-9]+|[A-Za-z0-9_]+/g
const PART = /-|.wk_/
const KEY_NAME = /^"write_?key"$/i
const COLON = /^\s*:\s*$/

/** Most words repeat, and each is hashed once while it is in this cache. */
const MAX_REMEMBERED_WORDS = 20_000
/** The clock is read once for so many tokens. */
const TOKENS_PER_LOOK = 64

/**
 * Masks every write key that a source has now, wherever it is in a payload. Also masks the value of every member named
 * `writeKey`, so that a revoked key is not shown either.
 */
export function createMask(keys: KnownKeys): Mask {
  const masking = new Masking(keys)
  const mask = (text: string): string => {
    const working = masking.work(text)
    let step = working.next()
    while (step.done !== true) step = working.next()
    return step.value
  }
  return Object.assign(mask, {
    async inSlices(text: string, background: Background): Promise<string> {
      const working = masking.work(text)
      for (let step = working.next(); ; step = working.next()) {
        if (step.done === true) return step.value
        if (background.isOver()) await background.slice()
      }
    }
  })
}

class Masking {
  readonly #keys: KnownKeys
  #remembered = new Map<string, boolean>()
  #version: unknown
  #lengths: ReadonlySet<number> = new Set()
  #shortest = Infinity

  constructor(keys: KnownKeys) {
    this.#keys = keys
  }

  #refresh(): void {
    if (this.#version === this.#keys.version()) return
    this.#version = this.#keys.version()
    this.#remembered = new Map()
    this.#lengths = this.#keys.lengths()
    this.#shortest = Math.min(...this.#lengths)
  }

  #isKey(word: string): boolean {
    if (!this.#lengths.has(word.length)) return false
    let answer = this.#remembered.get(word)
    if (answer !== undefined) return answer
    answer = this.#keys.isKey(word)
    if (this.#remembered.size >= MAX_REMEMBERED_WORDS) this.#remembered = new Map()
    this.#remembered.set(word, answer)
    return answer
  }

  /** Yields after every TOKENS_PER_LOOK tokens, and returns the masked text. */
  *work(text: string): Generator<undefined, string> {
    this.#refresh()
    let masked = ''
    let copied = 0
    let looked = 0
    /** The position after the last string that is a member name such as `writeKey`. */
    let named = -1
    for (const { 0: token, index } of text.matchAll(TOKEN)) {
      const isString = token.startsWith('"')
      const isNamed = named >= 0 && isString && COLON.test(text.slice(named, index))
      named = isString && KEY_NAME.test(token) ? index + token.length : -1
      const shown = isNamed ? `"${MASKED}"` : this.#maskToken(token, isString)
      if (shown !== token) {
        masked += text.slice(copied, index) + shown
        copied = index + token.length
      }
      if (++looked % TOKENS_PER_LOOK === 0) yield
    }
    return copied === 0 ? text : masked + text.slice(copied)
  }

  #maskToken(token: string, isString: boolean): string {
    // An escaped character is never shorter than the character.
    if (token.length < this.#shortest) return token
    if (!isString) return this.#maskWord(token)
    return this.#isKey(content(token)) ? `"${MASKED}"` : token.replace(WORD, word => this.#maskWord(word))
  }

  /** Masks a word, or the parts of it between dashes that are keys. */
  #maskWord(word: string): string {
    if (word.length < this.#shortest) return word
    const plain = word.includes('\\') ? content(`"${word}"`) : word
    if (this.#isKey(plain)) return MASKED
    const masked = PART.test(plain) && this.#hasPart(plain) ? plain.replace(PARTS, part => this.#maskPart(part)) : plain
    return masked === plain ? word : masked
  }

  /** Whether a part between dashes has the length of a key. */
  #hasPart(word: string): boolean {
    for (let start = 0; start < word.length;) {
      const dash = word.indexOf('-', start)
      const end = dash < 0 ? word.length : dash
      if (end - start >= this.#shortest) return true
      start = end + 1
    }
    return false
  }

  #maskPart(part: string): string {
    return this.#isKey(part) ? MASKED : part
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
