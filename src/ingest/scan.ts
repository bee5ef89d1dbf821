import { knownKey } from './known-keys.ts'

/**
 * One pass over the bytes of a body: where each member of interest begins and ends, how deep it nests, and whether
 * anything in it needs a closer look. Records are later spliced from these spans, so a payload leaves as the bytes
 * that came in.
 *
 * The scan is strict about the structure that it walks (the braces, commas and colons of the body, of the batch and
 * of each event) and only finds the ends of the values below. Each value is then parsed on its own by JSON.parse,
 * which judges it. Together they accept exactly what JSON.parse accepts for the whole body, and a broken value costs
 * only the event that it stands in.
 */

/** A member of an object, as byte positions in the body: the key without its quotes, the value with its own. */
export interface Member {
  readonly key: string
  /** Where the key's opening quote stands: the start of the member. */
  readonly start: number
  readonly valueStart: number
  readonly valueEnd: number
  /** Levels of nesting in the value: 0 for a scalar. */
  readonly depth: number
}

export interface ObjectScan {
  readonly start: number
  /** One past the closing brace. */
  readonly end: number
  readonly members: Member[]
  /** Levels of nesting, the object itself being 1. */
  readonly depth: number
  /** Line breaks stand between tokens: they must not reach a line of NDJSON. */
  readonly hasLineBreaks: boolean
  /** A key may spell __proto__ or constructor: the parsed object must be looked at. */
  readonly suspectKeys: boolean
}

/** An element of an array that is not an object, or an object whose braces do not hold. */
export interface OtherScan {
  readonly start: number
  readonly end: number
  readonly members: undefined
  readonly depth: number
  readonly hasLineBreaks: boolean
}

export type ElementScan = ObjectScan | OtherScan

/** A body whose member `batch`, where it is an array, is taken apart too. */
export interface EnvelopeScan extends ObjectScan {
  readonly elements: ElementScan[] | undefined
  /** The array went on after the limit: the scan stopped there and nothing behind it was read. */
  readonly overLimit: boolean
}

/** The bytes are not JSON; `position` is where that showed. */
export class ScanError extends Error {
  readonly position: number

  constructor(position: number) {
    super(`not JSON at byte ${position}`)
    this.position = position
  }
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const TAB = 0x09
const UNDERSCORE = 0x5f
const LOWER_C = 0x63
const LOWER_O = 0x6f
const LOWER_U = 0x75
const ZERO = 0x30

const PROTO_LENGTH = '__proto__'.length
const CONSTRUCTOR_LENGTH = 'constructor'.length

class LimitReached extends Error {}

function hasControls(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] as number) < SPACE) return true
  return false
}

/**
 * Walks one body. Kept as a class with numbers for state: the loops below touch every byte that a client sends, and
 * this is the form that runs without allocating (about 1 us a kilobyte).
 */
export class Scanner {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number
  #depth = 0
  #deepest = 0
  #lineBreaks = false
  #suspect = false
  #expand = false
  #limit = 0
  #elements: ElementScan[] | undefined

  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** The object that the whole range must be. Throws ScanError. */
  wholeObject(): ObjectScan {
    this.#skipSpace()
    if (this.#bytes[this.#at] !== OPEN_BRACE) throw new ScanError(this.#at)
    const scan = this.#object()
    this.#skipSpace()
    if (this.#at !== this.#end) throw new ScanError(this.#at)
    return scan
  }

  /** Like wholeObject, with the elements of its `batch`, at most `limit` of them. Throws ScanError. */
  wholeEnvelope(limit: number): EnvelopeScan {
    this.#limit = limit
    this.#expand = true
    try {
      return { ...this.wholeObject(), elements: this.#elements, overLimit: false }
    } catch (error) {
      if (!(error instanceof LimitReached)) throw error
      const scan = { start: 0, end: this.#end, members: [], depth: 1, hasLineBreaks: false, suspectKeys: false }
      return { ...scan, elements: this.#elements, overLimit: true }
    }
  }

  /** The array at the position, element by element. A second array would be a repeated key, which is refused later. */
  #batch(): void {
    const elements: ElementScan[] = []
    this.#elements = elements
    this.#expand = false
    this.#at++
    this.#skipSpace()
    if (this.#bytes[this.#at] === CLOSE_BRACKET) {
      this.#at++
      return
    }
    for (;;) {
      if (elements.length === this.#limit) throw new LimitReached()
      elements.push(this.#element())
      this.#skipSpace()
      const next = this.#bytes[this.#at]
      if (next !== COMMA && next !== CLOSE_BRACKET) throw new ScanError(this.#at)
      this.#at++
      if (next === CLOSE_BRACKET) return
      this.#skipSpace()
    }
  }

  #element(): ElementScan {
    const start = this.#at
    const outerLineBreaks = this.#lineBreaks
    if (this.#bytes[start] === OPEN_BRACE) {
      try {
        return this.#object()
      } catch (error) {
        if (!(error instanceof ScanError)) throw error
        this.#at = start
      }
    }
    this.#lineBreaks = false
    this.#skipValue()
    const hasLineBreaks = this.#lineBreaks
    this.#lineBreaks ||= outerLineBreaks
    return { start, end: this.#at, members: undefined, depth: this.#deepest, hasLineBreaks }
  }

  #object(): ObjectScan {
    const start = this.#at
    const members: Member[] = []
    const outerLineBreaks = this.#lineBreaks
    const outerSuspect = this.#suspect
    let deepest = 0
    this.#lineBreaks = false
    this.#suspect = false
    this.#at++
    this.#skipSpace()
    if (this.#bytes[this.#at] === CLOSE_BRACE) this.#at++
    else {
      for (;;) {
        const member = this.#member()
        if (member.depth > deepest) deepest = member.depth
        members.push(member)
        this.#skipSpace()
        const next = this.#bytes[this.#at]
        if (next !== COMMA && next !== CLOSE_BRACE) throw new ScanError(this.#at)
        this.#at++
        if (next === CLOSE_BRACE) break
        this.#skipSpace()
      }
    }
    const hasLineBreaks = this.#lineBreaks
    const suspectKeys = this.#suspect
    this.#lineBreaks ||= outerLineBreaks
    this.#suspect ||= outerSuspect
    return { start, end: this.#at, members, depth: deepest + 1, hasLineBreaks, suspectKeys }
  }

  #member(): Member {
    const start = this.#at
    if (this.#bytes[start] !== QUOTE) throw new ScanError(start)
    const escaped = this.#skipString()
    const key = this.#key(start, this.#at, escaped)
    this.#skipSpace()
    if (this.#bytes[this.#at] !== COLON) throw new ScanError(this.#at)
    this.#at++
    this.#skipSpace()
    const valueStart = this.#at
    if (this.#expand && key === 'batch' && this.#bytes[valueStart] === OPEN_BRACKET) this.#batch()
    else this.#skipValue()
    return { key, start, valueStart, valueEnd: this.#at, depth: this.#deepest }
  }

  #key(start: number, end: number, escaped: boolean): string {
    const known = knownKey(this.#bytes, start + 1, end - 1)
    if (known !== undefined) return known
    if (!escaped && !hasControls(this.#bytes, start, end)) return this.#bytes.toString('utf8', start + 1, end - 1)
    try {
      return JSON.parse(this.#bytes.toString('utf8', start, end)) as string
    } catch {
      throw new ScanError(start)
    }
  }

  #skipSpace(): void {
    const bytes = this.#bytes
    for (; this.#at < this.#end; this.#at++) {
      const byte = bytes[this.#at]
      if (byte === SPACE || byte === TAB) continue
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) return
      this.#lineBreaks = true
    }
  }

  /** Leaves the position after the closing quote; true when the string holds a backslash. */
  #skipString(): boolean {
    const bytes = this.#bytes
    const end = this.#end
    const start = this.#at + 1
    let at = start
    let escaped = false
    for (; at < end; at++) {
      const byte = bytes[at]
      if (byte === QUOTE) break
      if (byte !== BACKSLASH) continue
      escaped = true
      at++
      // An ASCII letter written as \u00XX: the only way to hide a key that is to be refused.
      if (bytes[at] === LOWER_U && bytes[at + 1] === ZERO && bytes[at + 2] === ZERO) this.#suspect = true
    }
    if (at >= end) throw new ScanError(this.#at)
    const length = at - start
    if (length === PROTO_LENGTH && bytes[start] === UNDERSCORE && bytes[start + 1] === UNDERSCORE) this.#suspect = true
    else if (length === CONSTRUCTOR_LENGTH && bytes[start] === LOWER_C && bytes[start + 1] === LOWER_O)
      this.#suspect = true
    this.#at = at + 1
    return escaped
  }

  /** Leaves the position after the value and its levels of nesting in #deepest. Finds the end only: it does not judge. */
  #skipValue(): void {
    const bytes = this.#bytes
    const end = this.#end
    const start = this.#at
    const first = bytes[start]
    this.#deepest = 0
    if (first === QUOTE) {
      this.#skipString()
      return
    }
    if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
      this.#skipScalar()
      return
    }
    this.#depth = 0
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number
      if (byte === QUOTE) {
        this.#at = at
        this.#skipString()
        at = this.#at - 1
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (++this.#depth > this.#deepest) this.#deepest = this.#depth
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (--this.#depth === 0) {
          this.#at = at + 1
          return
        }
      } else if (byte === LINE_FEED || byte === CARRIAGE_RETURN) this.#lineBreaks = true
    }
    throw new ScanError(start)
  }

  #skipScalar(): void {
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    for (; at < this.#end; at++) {
      const byte = bytes[at] as number
      if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= SPACE) break
    }
    if (at === start) throw new ScanError(start)
    this.#at = at
  }
}
