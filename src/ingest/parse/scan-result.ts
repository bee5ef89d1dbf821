import type { TextOf } from './body-text.ts'
import { KEYS } from './known-keys.ts'
import type { WalkResult } from './walker.ts'
import { HEAD } from './walker.ts'

/** The kinds of values, with the numbers of wasm/walk.ts. */
export const KIND = {
  stringEscaped: 0,
  /** A non-empty string without escapes: the bytes between the quotes are its text. */
  stringPlain: 1,
  stringEmpty: 2,
  number: 3,
  boolean: 4,
  null: 5,
  object: 6,
  array: 7,
  arrayEmpty: 8
} as const

/** The layout that wasm/walk.ts writes: the record of an object or an element, followed by its members. */
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
 * The result of a walk for an object, or for an element of a batch, which may be any value. It is a view of the walk's
 * numbers, so that an event costs one small object, however many members it has. A `place` is the index of a member.
 */
export class Scan {
  readonly #ints: Int32Array
  readonly #head: number
  readonly #at: number
  readonly #text: TextOf

  /** @param at the index of the record in the walk's numbers */
  constructor({ ints, head }: WalkResult, at: number, text: TextOf) {
    this.#ints = ints
    this.#head = head
    this.#at = at
    this.#text = text
  }

  /** The position of the first byte. */
  get start(): number {
    return this.#ints[this.#at + RECORD.start] as number
  }

  /** One past the last byte. */
  get end(): number {
    return this.#ints[this.#at + RECORD.end] as number
  }

  /** Levels of nesting; an object without nested objects or arrays has 1. */
  get depth(): number {
    return this.#ints[this.#at + RECORD.depth] as number
  }

  /** Whether the value is an object with matching braces. Other values have no members. */
  get isObject(): boolean {
    return (this.#flags & IS_OBJECT) !== 0
  }

  /** Whether there are line breaks between tokens, which must not be copied into a line of NDJSON. */
  get hasLineBreaks(): boolean {
    return (this.#flags & HAS_LINE_BREAKS) !== 0
  }

  /** Whether a key may be __proto__ or constructor, so that the parsed object must be checked. */
  get suspectKeys(): boolean {
    return (this.#flags & HAS_SUSPECT_KEYS) !== 0
  }

  /** Whether the bytes are valid JSON; values below the maximal depth of events are not checked. */
  get sound(): boolean {
    return (this.#flags & IS_SOUND) !== 0
  }

  /** The number of members. */
  get size(): number {
    return this.#ints[this.#at + RECORD.members] as number
  }

  /** The index of the next record in the walk's numbers. */
  get next(): number {
    return this.#at + RECORD_INTS + this.size * MEMBER_INTS
  }

  get #flags(): number {
    return this.#ints[this.#at + RECORD.flags] as number
  }

  /** The number of the member's key in KEYS; negative for other keys. */
  numberAt(place: number): number {
    return this.#member(place, MEMBER.number)
  }

  /** The member's key. */
  keyAt(place: number): string {
    const number = this.numberAt(place)
    if (number >= 0) return KEYS[number] as string
    const [start, end] = [this.startAt(place), this.#member(place, MEMBER.keyEnd)]
    return number === UNKNOWN_ESCAPED ? (JSON.parse(this.#text(start, end + 1)) as string) : this.#text(start + 1, end)
  }

  /** The position of the key's opening quote, which is the start of the member. */
  startAt(place: number): number {
    return this.#member(place, MEMBER.start)
  }

  /** The position where the value begins, quotes included. */
  valueStartAt(place: number): number {
    return this.#member(place, MEMBER.valueStart)
  }

  /** One past the value, quotes included. */
  valueEndAt(place: number): number {
    return this.#member(place, MEMBER.valueEnd)
  }

  /** The member's KIND; meaningful only if the scan is `sound`. */
  kindAt(place: number): number {
    return this.#member(place, MEMBER.kindAndDepth) & KIND_MASK
  }

  /** Whether the value is a string without escapes: the bytes between the quotes are its text. */
  isPlainAt(place: number): boolean {
    const kind = this.kindAt(place)
    return kind === KIND.stringPlain || kind === KIND.stringEmpty
  }

  /** Levels of nesting in the value: 0 for a scalar. */
  depthAt(place: number): number {
    return this.#member(place, MEMBER.kindAndDepth) >> KIND_BITS
  }

  /** The generation of the ids and shapes. Only ids of one generation can be compared; a later walk may have a new one. */
  get idGeneration(): number {
    return this.#ints[this.#head + HEAD.ids] as number
  }

  /** An id of the value. Values of one key with the same id have the same bytes; 0: no id. */
  idAt(place: number): number {
    return this.#member(place, MEMBER.id)
  }

  /**
   * An id of the object's structure. Objects of one key with the same shape have, at every depth, the same keys, the same
   * kinds of values and the same contents of `library`; 0: no shape.
   */
  shapeAt(place: number): number {
    return this.#member(place, MEMBER.shape)
  }

  /** The place of the first member whose key has this number; -1 if there is none. */
  find(number: number): number {
    for (let place = 0; place < this.size; place++) if (this.numberAt(place) === number) return place
    return -1
  }

  #member(place: number, what: number): number {
    return this.#ints[this.#at + RECORD_INTS + place * MEMBER_INTS + what] as number
  }
}

/**
 * The scan of a batch's body and of the elements of `batch`, if that is an array. `whole` has only members with a key in
 * KEYS, because nothing reads other members and a body may have 50,000.
 */
export interface EnvelopeScan {
  readonly whole: Scan
  readonly elements: Scan[] | undefined
  /** A key in KEYS that occurs twice, so that two parsers could read the body differently. */
  readonly repeatedKey: string | undefined
}
