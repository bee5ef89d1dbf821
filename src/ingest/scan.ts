import type { TextOf } from './body-text.ts'
import { KEYS } from './known-keys.ts'
import type { ElementScan, EnvelopeScan, Member, ObjectScan } from './scan-result.ts'
import { walkEnvelope, walkObject } from './walker.ts'

/** The bytes are not JSON; `position` is where that showed. */
export class ScanError extends Error {
  readonly position: number

  constructor(position: number) {
    super(`not JSON at byte ${position}`)
    this.position = position
  }
}

export interface ScanOptions {
  /** The range that is walked; default: all of the bytes. */
  readonly start?: number
  readonly end?: number
  /** How the text of keys is made; default: from the bytes. */
  readonly text?: TextOf
}

/** The forms that wasm/walk.ts writes. */
const NOT_JSON = 1
const OVER_LIMIT = 2
const HEAD = { status: 0, failedAt: 1, repeatedKey: 2, elements: 3, whole: 4 } as const
const HEAD_INTS = 6
const RECORD_INTS = 5
const MEMBER_INTS = 6
const IS_OBJECT = 1
const HAS_LINE_BREAKS = 2
const HAS_SUSPECT_KEYS = 4
const IS_SOUND = 8
const UNKNOWN_ESCAPED = -2

/**
 * Takes an object apart, which the whole range must be: where each member begins and ends, how deep it nests, and
 * whether anything in it needs a closer look. Records are later spliced from these spans, so a payload leaves as the
 * bytes that came in.
 *
 * It accepts exactly what JSON.parse accepts, and what has the braces and quotes of an object beside it, which is then
 * not `sound`. Throws ScanError for all else.
 */
export function scanObject(bytes: Buffer, options: ScanOptions = {}): ObjectScan {
  const { start = 0, end = bytes.length, text = utf8Of(bytes) } = options
  const ints = walkObject(bytes, start, end)
  if (ints[HEAD.status] === NOT_JSON) throw new ScanError(ints[HEAD.failedAt] as number)
  return new Reader(ints, text).object(HEAD_INTS)
}

/**
 * The same with the elements of the object's `batch`, at most `limit` of them. An element that is not JSON is taken for
 * what its braces say, or for what lies before the next comma, so that it costs none of its neighbours. Throws ScanError
 * if anything else is not JSON.
 */
export function scanEnvelope(bytes: Buffer, limit: number, options: Omit<ScanOptions, 'end'> = {}): EnvelopeScan {
  const { start = 0, text = utf8Of(bytes) } = options
  const ints = walkEnvelope(bytes, start, limit)
  if (ints[HEAD.status] === NOT_JSON) throw new ScanError(ints[HEAD.failedAt] as number)
  if (ints[HEAD.status] === OVER_LIMIT) return overLimit(bytes)
  const reader = new Reader(ints, text)
  const count = ints[HEAD.elements] as number
  const repeated = ints[HEAD.repeatedKey] as number
  const elements = count < 0 ? undefined : reader.elements(count)
  const scan = reader.object(ints[HEAD.whole] as number)
  return { ...scan, elements, repeatedKey: repeated < 0 ? undefined : KEYS[repeated], overLimit: false }
}

function overLimit({ length: end }: Buffer): EnvelopeScan {
  const nothing = { members: [], depth: 1, hasLineBreaks: false, suspectKeys: false, sound: false }
  return { start: 0, end, ...nothing, elements: undefined, repeatedKey: undefined, overLimit: true }
}

function utf8Of(bytes: Buffer): TextOf {
  return (start, end) => bytes.toString('utf8', start, end)
}

/** Reads what a walk has written, before the next one does. */
class Reader {
  readonly #ints: Int32Array
  readonly #text: TextOf

  constructor(ints: Int32Array, text: TextOf) {
    this.#ints = ints
    this.#text = text
  }

  elements(count: number): ElementScan[] {
    const elements: ElementScan[] = []
    let at = HEAD_INTS
    for (let i = 0; i < count; i++) {
      elements.push(this.#element(at))
      at += RECORD_INTS + this.#int(at + 4) * MEMBER_INTS
    }
    return elements
  }

  #element(at: number): ElementScan {
    const flags = this.#int(at + 3)
    if ((flags & IS_OBJECT) !== 0) return this.object(at)
    return {
      start: this.#int(at),
      end: this.#int(at + 1),
      members: undefined,
      depth: this.#int(at + 2),
      hasLineBreaks: (flags & HAS_LINE_BREAKS) !== 0,
      sound: (flags & IS_SOUND) !== 0
    }
  }

  object(at: number): ObjectScan {
    const flags = this.#int(at + 3)
    const members: Member[] = []
    const end = at + RECORD_INTS + this.#int(at + 4) * MEMBER_INTS
    for (let place = at + RECORD_INTS; place < end; place += MEMBER_INTS) members.push(this.#member(place))
    return {
      start: this.#int(at),
      end: this.#int(at + 1),
      members,
      depth: this.#int(at + 2),
      hasLineBreaks: (flags & HAS_LINE_BREAKS) !== 0,
      suspectKeys: (flags & HAS_SUSPECT_KEYS) !== 0,
      sound: (flags & IS_SOUND) !== 0
    }
  }

  #member(at: number): Member {
    const depthAndPlain = this.#int(at + 5)
    return {
      key: this.#key(at),
      start: this.#int(at),
      valueStart: this.#int(at + 3),
      valueEnd: this.#int(at + 4),
      depth: depthAndPlain >> 1,
      plain: (depthAndPlain & 1) === 1
    }
  }

  #key(at: number): string {
    const number = this.#int(at + 2)
    if (number >= 0) return KEYS[number] as string
    const start = this.#int(at)
    const end = this.#int(at + 1)
    return number === UNKNOWN_ESCAPED ? (JSON.parse(this.#text(start, end + 1)) as string) : this.#text(start + 1, end)
  }

  #int(at: number): number {
    return this.#ints[at] as number
  }
}
