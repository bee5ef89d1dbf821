import type { TextOf } from './body-text.ts'
import { KEYS } from './known-keys.ts'
import type { WalkResult } from './walker.ts'
import { HEAD } from './walker.ts'

/** What can be said of a value without looking into it, as wasm/walk.ts numbers it. */
export const KIND = {
  stringEscaped: 0,
  /** Its bytes between the quotes, of which there are some, are its text. */
  stringPlain: 1,
  stringEmpty: 2,
  number: 3,
  boolean: 4,
  null: 5,
  object: 6,
  array: 7,
  arrayEmpty: 8
} as const

/** The forms that wasm/walk.ts writes: a record of an object or an element, and behind it each of its members. */
const RECORD = { start: 0, end: 1, depth: 2, flags: 3, members: 4 } as const
const RECORD_INTS = 5
const MEMBER = { start: 0, keyEnd: 1, number: 2, valueStart: 3, valueEnd: 4, kindAndDepth: 5, id: 6, shape: 7 } as const
const MEMBER_INTS = 8
const KIND_BITS = 4
const KIND_MASK = (1 << KIND_BITS) - 1
const IS_OBJECT = 1
const HAS_LINE_BREAKS = 2
const HAS_SUSPECT_KEYS = 4
const IS_SOUND = 8
const UNKNOWN_ESCAPED = -2

/**
 * What a walk has found of an object, or of an element of a batch that may be anything: a view of the walk's numbers,
 * so that an event costs one small object, however many members it has. Members are asked for by their place in it.
 */
export class Scan {
  readonly #ints: Int32Array
  readonly #head: number
  readonly #at: number
  readonly #text: TextOf

  /** @param at where its record stands among the numbers */
  constructor({ ints, head }: WalkResult, at: number, text: TextOf) {
    this.#ints = ints
    this.#head = head
    this.#at = at
    this.#text = text
  }

  get start(): number {
    return this.#ints[this.#at + RECORD.start] as number
  }

  /** One past its last byte. */
  get end(): number {
    return this.#ints[this.#at + RECORD.end] as number
  }

  /** Levels of nesting, an object itself being 1. */
  get depth(): number {
    return this.#ints[this.#at + RECORD.depth] as number
  }

  /** What is none, or whose braces do not hold, has no members. */
  get isObject(): boolean {
    return (this.#flags & IS_OBJECT) !== 0
  }

  /** Line breaks stand between tokens: they must not reach a line of NDJSON. */
  get hasLineBreaks(): boolean {
    return (this.#flags & HAS_LINE_BREAKS) !== 0
  }

  /** A key may spell __proto__ or constructor: the parsed object must be looked at. */
  get suspectKeys(): boolean {
    return (this.#flags & HAS_SUSPECT_KEYS) !== 0
  }

  /** It is JSON, down to the last value: but for what lies deeper than events may nest. */
  get sound(): boolean {
    return (this.#flags & IS_SOUND) !== 0
  }

  /** How many members it has. */
  get size(): number {
    return this.#ints[this.#at + RECORD.members] as number
  }

  /** Where the next record begins, in the walk's numbers. */
  get next(): number {
    return this.#at + RECORD_INTS + this.size * MEMBER_INTS
  }

  get #flags(): number {
    return this.#ints[this.#at + RECORD.flags] as number
  }

  /** The number of the member's key among KEYS; below 0 for others. */
  numberAt(place: number): number {
    return this.#member(place, MEMBER.number)
  }

  keyAt(place: number): string {
    const number = this.numberAt(place)
    if (number >= 0) return KEYS[number] as string
    const [start, end] = [this.startAt(place), this.#member(place, MEMBER.keyEnd)]
    return number === UNKNOWN_ESCAPED ? (JSON.parse(this.#text(start, end + 1)) as string) : this.#text(start + 1, end)
  }

  /** Where the key's opening quote stands: the start of the member. */
  startAt(place: number): number {
    return this.#member(place, MEMBER.start)
  }

  /** Where the value begins, with its quotes. */
  valueStartAt(place: number): number {
    return this.#member(place, MEMBER.valueStart)
  }

  valueEndAt(place: number): number {
    return this.#member(place, MEMBER.valueEnd)
  }

  /** One of KIND; of sound values only. */
  kindAt(place: number): number {
    return this.#member(place, MEMBER.kindAndDepth) & KIND_MASK
  }

  /** The value is a string, and its bytes between the quotes are its text. */
  isPlainAt(place: number): boolean {
    const kind = this.kindAt(place)
    return kind === KIND.stringPlain || kind === KIND.stringEmpty
  }

  /** Levels of nesting in the value: 0 for a scalar. */
  depthAt(place: number): number {
    return this.#member(place, MEMBER.kindAndDepth) >> KIND_BITS
  }

  /** Ids and shapes are only compared with those of the same one, which need not be the one of the walk that comes next. */
  get idGeneration(): number {
    return this.#ints[this.#head + HEAD.ids] as number
  }

  /** The same for values of one key that have the same bytes, in one event and the next; 0 where nothing is known. */
  idAt(place: number): number {
    return this.#member(place, MEMBER.id)
  }

  /**
   * The same for objects of one key that nobody tells apart who looks only at keys, at the kinds of values and at what is in
   * `library`, all the way down; 0 where nothing is known.
   */
  shapeAt(place: number): number {
    return this.#member(place, MEMBER.shape)
  }

  /** The place of the first member whose key has that number; -1 where there is none. */
  find(number: number): number {
    for (let place = 0; place < this.size; place++) if (this.numberAt(place) === number) return place
    return -1
  }

  #member(place: number, what: number): number {
    return this.#ints[this.#at + RECORD_INTS + place * MEMBER_INTS + what] as number
  }
}

/**
 * A body whose member `batch`, where it is an array, is taken apart too. Members with keys that no SDK sends are left
 * out: nobody reads them, and a body has room for 50,000.
 */
export interface EnvelopeScan {
  readonly whole: Scan
  readonly elements: Scan[] | undefined
  /** A key that SDKs send and that stands here twice: two readers would take the body for two things. */
  readonly repeatedKey: string | undefined
}
