import type { Mark } from './cursor.ts'
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  Cursor,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  ScanError,
  SPACE
} from './cursor.ts'
import type { TextOf } from './body-text.ts'
import { knownEscapedKey, knownKey } from './known-keys.ts'
import type { ElementScan, EnvelopeScan, Member, ObjectScan, OtherScan } from './scan-result.ts'
import { findMember } from './scan-result.ts'

/**
 * One pass over the bytes of a body: where each member of interest begins and ends, how deep it nests, and whether
 * anything in it needs a closer look. Records are later spliced from these spans, so a payload leaves as the bytes
 * that came in.
 *
 * It accepts exactly what JSON.parse accepts. An event of a batch that is not JSON is walked again with an eye for its
 * braces and quotes only, so that it costs none of its neighbours.
 */

class LimitReached extends Error {}

export interface ScannerOptions {
  /** The range that is walked; default: all of the bytes. */
  readonly start?: number
  readonly end?: number
  /** How the text of keys is made; default: from the bytes. */
  readonly text?: TextOf
}

function utf8Of(bytes: Buffer): TextOf {
  return (start, end) => bytes.toString('utf8', start, end)
}

/** Walks one body. */
export class Scanner {
  readonly #json: Cursor
  readonly #text: TextOf
  /** Whether values are judged, or only their ends are looked for. */
  #strict = true
  /** The object that is walked is an envelope. */
  #expand = false
  #limit = 0
  #elements: ElementScan[] | undefined
  #repeatedKey: string | undefined

  constructor(bytes: Buffer, { start = 0, end = bytes.length, text = utf8Of(bytes) }: ScannerOptions = {}) {
    this.#json = new Cursor(bytes, start, end)
    this.#text = text
  }

  /** The object that the whole range must be. Throws ScanError unless its braces hold, at least. */
  wholeObject(): ObjectScan {
    const start = this.#json.mark()
    try {
      return this.#whole()
    } catch (error) {
      if (!(error instanceof ScanError)) throw error
      return this.#loosely(start, () => this.#whole())
    }
  }

  /** Like wholeObject, with the elements of its `batch`, at most `limit` of them. Throws ScanError if it is not JSON. */
  wholeEnvelope(limit: number): EnvelopeScan {
    this.#limit = limit
    this.#expand = true
    try {
      const scan = this.#whole()
      return { ...scan, elements: this.#elements, repeatedKey: this.#repeatedKey, overLimit: false }
    } catch (error) {
      if (!(error instanceof LimitReached)) throw error
      const { bytes } = this.#json
      const scan = { start: 0, end: bytes.length, members: [], depth: 1, hasLineBreaks: false, suspectKeys: false }
      return { ...scan, sound: false, elements: this.#elements, repeatedKey: undefined, overLimit: true }
    }
  }

  #whole(): ObjectScan {
    const json = this.#json
    json.skipSpace()
    if (json.bytes[json.at] !== OPEN_BRACE) throw new ScanError(json.at)
    const scan = this.#object()
    json.skipSpace()
    if (json.at !== json.end) throw new ScanError(json.at)
    return scan
  }

  /** Walks again from where a strict walk has failed. */
  #loosely<T>(start: Mark, walk: () => T): T {
    this.#json.backTo(start)
    this.#strict = false
    try {
      return walk()
    } finally {
      this.#strict = true
    }
  }

  /** The array at the position, element by element. */
  #batch(): void {
    this.#elements = []
    this.#expand = false
    this.#fill(this.#elements)
    this.#expand = true
  }

  #fill(elements: ElementScan[]): void {
    const json = this.#json
    json.at++
    json.skipSpace()
    if (json.bytes[json.at] === CLOSE_BRACKET) {
      json.at++
      return
    }
    for (;;) {
      if (elements.length === this.#limit) throw new LimitReached()
      elements.push(this.#element())
      json.skipSpace()
      const next = json.bytes[json.at]
      if (next !== COMMA && next !== CLOSE_BRACKET) throw new ScanError(json.at)
      json.at++
      if (next === CLOSE_BRACKET) return
      json.skipSpace()
    }
  }

  /** An element that is not JSON is taken for what its braces say, or for what lies before the next comma. */
  #element(): ElementScan {
    const start = this.#json.mark()
    const isObject = this.#json.bytes[start.at] === OPEN_BRACE
    try {
      return isObject ? this.#object() : this.#other()
    } catch (error) {
      if (!(error instanceof ScanError)) throw error
    }
    try {
      if (isObject) return this.#loosely(start, () => this.#object())
    } catch (error) {
      if (!(error instanceof ScanError)) throw error
    }
    return this.#loosely(start, () => this.#other())
  }

  #other(): OtherScan {
    const json = this.#json
    const start = json.at
    const outerLineBreaks = json.lineBreaks
    json.lineBreaks = false
    json.deepest = 0
    this.#value()
    const hasLineBreaks = json.lineBreaks
    json.lineBreaks ||= outerLineBreaks
    return { start, end: json.at, members: undefined, depth: json.deepest, hasLineBreaks, sound: this.#strict }
  }

  #object(): ObjectScan {
    const json = this.#json
    const { bytes } = json
    const start = json.at
    const members: Member[] = []
    const outerLineBreaks = json.lineBreaks
    const outerSuspect = json.suspectKeys
    let deepest = 0
    json.lineBreaks = false
    json.suspectKeys = false
    json.at++
    json.skipSpace()
    if (bytes[json.at] === CLOSE_BRACE) json.at++
    else {
      for (;;) {
        this.#member(members)
        if (json.deepest > deepest) deepest = json.deepest
        if ((bytes[json.at] as number) <= SPACE) json.skipSpace()
        const next = bytes[json.at]
        if (next !== COMMA && next !== CLOSE_BRACE) throw new ScanError(json.at)
        json.at++
        if (next === CLOSE_BRACE) break
        if ((bytes[json.at] as number) <= SPACE) json.skipSpace()
      }
    }
    const hasLineBreaks = json.lineBreaks
    const suspectKeys = json.suspectKeys
    json.lineBreaks ||= outerLineBreaks
    json.suspectKeys ||= outerSuspect
    return { start, end: json.at, members, depth: deepest + 1, hasLineBreaks, suspectKeys, sound: this.#strict }
  }

  #member(members: Member[]): void {
    const json = this.#json
    const start = json.at
    const keyEnd = json.key()
    const key = this.#expand ? this.#envelopeKey(start, keyEnd, members) : this.#keyText(start, keyEnd)
    const valueStart = json.at
    const isString = json.bytes[valueStart] === QUOTE
    json.deepest = 0
    json.escaped = false
    if (this.#expand && key === 'batch' && json.bytes[valueStart] === OPEN_BRACKET) this.#batch()
    else this.#value()
    if (key === undefined) return
    members.push({ key, start, valueStart, valueEnd: json.at, depth: json.deepest, plain: isString && !json.escaped })
  }

  /** The key between these quotes, which the cursor has just passed. */
  #keyText(start: number, end: number): string {
    const { bytes, escaped } = this.#json
    const known = knownKey(bytes, start + 1, end)
    if (known !== undefined) return known
    return escaped ? (JSON.parse(this.#text(start, end + 1)) as string) : this.#text(start + 1, end)
  }

  /** The same where it is one that SDKs send and the first of its name; undefined for any other. */
  #envelopeKey(start: number, end: number, before: readonly Member[]): string | undefined {
    const { bytes, escaped } = this.#json
    const known = escaped ? knownEscapedKey(bytes, start + 1, end) : knownKey(bytes, start + 1, end)
    if (known === undefined || findMember(before, known) === undefined) return known
    this.#repeatedKey = known
    return undefined
  }

  #value(): void {
    if (this.#strict) this.#json.value(1)
    else this.#json.passOver(1)
  }
}
