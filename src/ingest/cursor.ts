import { MAX_DEPTH_LEVELS } from '../model/limits.ts'

/** The bytes are not JSON; `position` is where that showed. */
export class ScanError extends Error {
  readonly position: number

  constructor(position: number) {
    // A batch may hold thousands of broken events, and nobody reads where in our code each was found.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(`not JSON at byte ${position}`)
    Error.stackTraceLimit = stackTraceLimit
    this.position = position
  }
}

export const QUOTE = 0x22
export const COMMA = 0x2c
const COLON = 0x3a
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const SPACE = 0x20
const BACKSLASH = 0x5c
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const TAB = 0x09
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const UNDERSCORE = 0x5f
const LOWER_C = 0x63
const LOWER_O = 0x6f
const LOWER_U = 0x75
/** Setting this bit makes an ASCII letter small. */
const CASE = 0x20
const LOWER_E = 0x65

const PROTO_LENGTH = '__proto__'.length
const CONSTRUCTOR_LENGTH = 'constructor'.length

const LITERALS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map(word => [word.charCodeAt(0), Buffer.from(word)])
)

/** Whether a byte may follow a backslash (RFC 8259, section 7), `u` aside. */
const IS_ESCAPE = tableOf('"\\/bfnrt')
const IS_HEX = tableOf('0123456789abcdefABCDEF')

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}

/** A place to come back to, and what had been seen up to there. */
export type Mark = Pick<Cursor, 'at' | 'lineBreaks' | 'suspectKeys'>

/**
 * A position in JSON text that moves over whole values and makes none of them: it judges them as JSON.parse does, and
 * takes a third of its time. Plain numbers for state and one comparison for most bytes, because it touches every byte
 * that a client sends. Every method that moves throws ScanError where the bytes are not JSON.
 */
export class Cursor {
  readonly bytes: Buffer
  readonly end: number
  at: number
  /** Levels of nesting of what was walked since this was set to 0. */
  deepest = 0
  /** Line breaks stood between tokens. */
  lineBreaks = false
  /** A key may spell __proto__ or constructor. */
  suspectKeys = false
  /** The string that was walked last holds a backslash. */
  escaped = false

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  mark(): Mark {
    const { at, lineBreaks, suspectKeys } = this
    return { at, lineBreaks, suspectKeys }
  }

  backTo({ at, lineBreaks, suspectKeys }: Mark): void {
    this.at = at
    this.lineBreaks = lineBreaks
    this.suspectKeys = suspectKeys
  }

  skipSpace(): void {
    const { bytes, end } = this
    let at = this.at
    for (; at < end; at++) {
      const byte = bytes[at]
      if (byte === SPACE || byte === TAB) continue
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) break
      this.lineBreaks = true
    }
    this.at = at
  }

  /** Walks the value that begins here, at the given level of nesting (1 where it stands in no other). */
  value(level: number): void {
    const byte = this.bytes[this.at]
    if (byte === QUOTE) this.string()
    else if (byte === OPEN_BRACE) this.#container(level, CLOSE_BRACE)
    else if (byte === OPEN_BRACKET) this.#container(level, CLOSE_BRACKET)
    else if (byte === MINUS || isDigit(byte)) this.#number()
    else this.#literal()
  }

  /** @param close the byte that ends the container: whose members have keys where it is a brace */
  #container(level: number, close: number): void {
    if (!this.#enter(level)) return
    const { bytes } = this
    if (bytes[this.at] === close) {
      this.at++
      return
    }
    for (;;) {
      if (close === CLOSE_BRACE) this.key()
      this.value(level + 1)
      if ((bytes[this.at] as number) <= SPACE) this.skipSpace()
      const next = bytes[this.at]
      if (this.at >= this.end || (next !== COMMA && next !== close)) throw new ScanError(this.at)
      this.at++
      if (next === close) return
      if ((bytes[this.at] as number) <= SPACE) this.skipSpace()
    }
  }

  /** False for a container deeper than anything that is taken: it is passed over, and its levels are counted. */
  #enter(level: number): boolean {
    if (level > MAX_DEPTH_LEVELS) {
      this.passOver(level)
      return false
    }
    if (level > this.deepest) this.deepest = level
    this.at++
    this.skipSpace()
    return true
  }

  /** From a key's opening quote to the first byte of its value; returns where its closing quote stands. */
  key(): number {
    const { bytes } = this
    const start = this.at
    if (bytes[start] !== QUOTE) throw new ScanError(start)
    this.string()
    const end = this.at - 1
    const length = end - start - 1
    if (length === PROTO_LENGTH && bytes[start + 1] === UNDERSCORE && bytes[start + 2] === UNDERSCORE)
      this.suspectKeys = true
    else if (length === CONSTRUCTOR_LENGTH && bytes[start + 1] === LOWER_C && bytes[start + 2] === LOWER_O)
      this.suspectKeys = true
    else if (this.escaped) this.#suspectEscapes(start, end)
    if (bytes[this.at] !== COLON) this.skipSpace()
    if (bytes[this.at] !== COLON) throw new ScanError(this.at)
    this.at++
    if ((bytes[this.at] as number) <= SPACE) this.skipSpace()
    return end
  }

  /** An ASCII letter written as \u00XX is the only way to hide a key that is to be refused. */
  #suspectEscapes(start: number, end: number): void {
    for (let at = start; at < end; at++) {
      if (this.bytes[at] !== BACKSLASH) continue
      at++
      if (this.bytes[at] === LOWER_U && this.bytes[at + 1] === ZERO && this.bytes[at + 2] === ZERO)
        this.suspectKeys = true
    }
  }

  string(): void {
    const { bytes, end } = this
    let at = this.at + 1
    this.escaped = false
    for (; at < end; at++) {
      const byte = bytes[at] as number
      if (byte > QUOTE && byte !== BACKSLASH) continue
      if (byte === QUOTE) {
        this.at = at + 1
        return
      }
      if (byte < SPACE) throw new ScanError(at)
      if (byte !== BACKSLASH) continue
      this.escaped = true
      at = this.#escape(at + 1)
    }
    throw new ScanError(this.at)
  }

  /** The last byte of the escape whose backslash stands before `at`. */
  #escape(at: number): number {
    const { bytes } = this
    if (IS_ESCAPE[bytes[at] as number] === 1) return at
    if (bytes[at] !== LOWER_U) throw new ScanError(at)
    for (let digit = at + 1; digit <= at + 4; digit++) {
      if (digit >= this.end || IS_HEX[bytes[digit] as number] !== 1) throw new ScanError(digit)
    }
    return at + 4
  }

  #number(): void {
    const { bytes } = this
    if (bytes[this.at] === MINUS) this.at++
    if (bytes[this.at] === ZERO) this.at++
    else this.#digits()
    if (bytes[this.at] === POINT) {
      this.at++
      this.#digits()
    }
    if (((bytes[this.at] as number) | CASE) !== LOWER_E || this.at >= this.end) return
    this.at++
    if (bytes[this.at] === PLUS || bytes[this.at] === MINUS) this.at++
    this.#digits()
  }

  /** At least one. */
  #digits(): void {
    const { bytes, end } = this
    const start = this.at
    let at = start
    while (at < end && isDigit(bytes[at])) at++
    if (at === start) throw new ScanError(at)
    this.at = at
  }

  #literal(): void {
    const start = this.at
    const word = LITERALS.get(this.bytes[start] ?? 0)
    if (word === undefined || start + word.length > this.end) throw new ScanError(start)
    for (let i = 1; i < word.length; i++) if (this.bytes[start + i] !== word[i]) throw new ScanError(start)
    this.at = start + word.length
  }

  /** As value(), but finds the value's end only and judges nothing in it: for what is to be refused anyway. */
  passOver(level: number): void {
    const { bytes, end } = this
    const start = this.at
    const first = bytes[start]
    if (first !== QUOTE && first !== OPEN_BRACE && first !== OPEN_BRACKET) {
      this.#passOverScalar()
      return
    }
    let depth = level - 1
    for (let at = start; at < end; at++) {
      const byte = bytes[at]
      if (byte === QUOTE) at = this.#closingQuote(at)
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (++depth > this.deepest) this.deepest = depth
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
      else if (byte === LINE_FEED || byte === CARRIAGE_RETURN) this.lineBreaks = true
      if (depth >= level) continue
      this.at = at + 1
      return
    }
    throw new ScanError(start)
  }

  #closingQuote(start: number): number {
    const { bytes, end } = this
    for (let at = start + 1; at < end; at++) {
      if (bytes[at] === QUOTE) return at
      if (bytes[at] === BACKSLASH) at++
    }
    throw new ScanError(start)
  }

  #passOverScalar(): void {
    const { bytes, end } = this
    const start = this.at
    let at = start
    for (; at < end; at++) {
      const byte = bytes[at] as number
      if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= SPACE) break
    }
    if (at === start) throw new ScanError(start)
    this.at = at
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}
