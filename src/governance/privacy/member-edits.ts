import type { Edit } from '../../ingest/govern/splice.ts'
import { applyIpPolicy } from './ip.ts'
import type { Action, PathNode, PrivacyRules } from './rules.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const NO_NODES: readonly PathNode[] = []

/** The rules that apply at a value: the path rules that pass through it, and whether all of it is hashed. */
interface Situation {
  readonly nodes: readonly PathNode[]
  readonly hashing: Action | undefined
}

/** A member or an element, from its first byte to the byte after its value. */
interface Span {
  readonly start: number
  readonly end: number
  readonly isDropped: boolean
}

/**
 * Finds the parts of JSON bytes that privacy rules replace. It reads the bytes themselves, so that a repeated key is
 * handled each time, and everything without a rule stays unchanged.
 */
export class MemberEdits {
  readonly edits: Edit[] = []
  /** What was done; each action once. */
  readonly done = new Set<Action>()
  readonly #bytes: Buffer
  readonly #rules: PrivacyRules
  #at = 0

  constructor(bytes: Buffer, rules: PrivacyRules) {
    this.#bytes = bytes
    this.#rules = rules
  }

  /** Handles a value that starts at `start` and belongs to `node`, with all its members. */
  value(start: number, node: PathNode | undefined): void {
    this.#at = start
    this.#value({ nodes: node === undefined ? NO_NODES : [node], hashing: undefined })
  }

  /** Handles a value that is hashed, whatever its type. */
  hashed(start: number, action: Action): void {
    this.#at = start
    this.#value({ nodes: NO_NODES, hashing: action })
  }

  #value(situation: Situation): void {
    const byte = this.#bytes[this.#at]
    if (byte === OPEN_BRACE) this.#container(situation, CLOSE_BRACE)
    else if (byte === OPEN_BRACKET) this.#container(situation, CLOSE_BRACKET)
    else {
      const start = this.#at
      this.#skipScalar()
      if (situation.hashing !== undefined) this.#hash(start, this.#at, situation.hashing)
    }
  }

  #container(situation: Situation, close: number): void {
    const spans: Span[] = []
    this.#at++
    this.#skipBlanks()
    for (let index = 0; this.#bytes[this.#at] !== close; index++) {
      spans.push(close === CLOSE_BRACE ? this.#member(situation) : this.#element(situation, index))
      this.#skipBlanks()
      if (this.#bytes[this.#at] === COMMA) this.#at++
      this.#skipBlanks()
    }
    this.#at++
    if (spans.some(({ isDropped }) => isDropped)) this.#drop(spans)
  }

  #member(situation: Situation): Span {
    const start = this.#at
    this.#skipString()
    const key = this.#text(start, this.#at)
    this.#skipBlanks()
    if (this.#bytes[this.#at] === COLON) this.#at++
    this.#skipBlanks()
    return this.#child(start, key, situation, this.#rules.byKey?.(key))
  }

  #element(situation: Situation, index: number): Span {
    return this.#child(this.#at, String(index), situation, undefined)
  }

  #child(start: number, key: string, { nodes, hashing }: Situation, byKey: Action | undefined): Span {
    const next: PathNode[] = []
    for (const node of nodes) {
      const known = node.next.get(key)
      if (known !== undefined) next.push(known)
      if (node.any !== undefined) next.push(node.any)
    }
    const actions = [byKey, ...next.map(({ action }) => action)].filter(action => action !== undefined)
    const drop = actions.find(({ kind }) => kind === 'drop')
    const ip = actions.find(({ kind }) => kind === 'ip')
    if (drop !== undefined) return this.#dropped(start, drop)
    if (ip !== undefined) return this.#address(start, ip)
    this.#value({ nodes: next, hashing: hashing ?? actions[0] })
    return { start, end: this.#at, isDropped: false }
  }

  #dropped(start: number, action: Action): Span {
    this.#skipValue()
    this.done.add(action)
    return { start, end: this.#at, isDropped: true }
  }

  /** Null stays: it contains no address. */
  #address(start: number, action: Action): Span {
    const valueAt = this.#at
    this.#skipValue()
    const text = this.#bytes.toString('utf8', valueAt, this.#at)
    if (text === 'null') return { start, end: this.#at, isDropped: false }
    const value: unknown = JSON.parse(text)
    const kept = typeof value === 'string' ? applyIpPolicy(this.#rules.ip, value) : undefined
    if (kept === value) return { start, end: this.#at, isDropped: false }
    this.done.add(action)
    if (kept === undefined) return { start, end: this.#at, isDropped: true }
    this.edits.push({ start: valueAt, end: this.#at, text: JSON.stringify(kept) })
    return { start, end: this.#at, isDropped: false }
  }

  /** Numbers and booleans are hashed in the form in which they were sent. */
  #hash(start: number, end: number, action: Action): void {
    const isText = this.#bytes[start] === QUOTE
    const text = isText ? this.#text(start, end) : this.#bytes.toString('utf8', start, end)
    if (!isText && text === 'null') return
    const hashed = this.#rules.hasher(text)
    if (isText && hashed === text) return
    this.edits.push({ start, end, text: JSON.stringify(hashed) })
    this.done.add(action)
  }

  /** Removes one comma with each run of dropped spans: the comma before it, or else the one after it. */
  #drop(spans: readonly Span[]): void {
    // A span inside a dropped span is removed with it.
    for (let index = 0; index < spans.length; index++) {
      if (spans[index]?.isDropped !== true) continue
      const first = index
      while (spans[index + 1]?.isDropped === true) index++
      const [before, after] = [spans[first - 1], spans[index + 1]]
      const start = before?.end ?? (spans[first] as Span).start
      const end = before === undefined && after !== undefined ? after.start : (spans[index] as Span).end
      this.edits.push({ start, end, text: '' })
    }
  }

  #text(start: number, end: number): string {
    const spelled = this.#bytes.toString('utf8', start, end)
    return spelled.includes('\\') ? (JSON.parse(spelled) as string) : spelled.slice(1, -1)
  }

  #skipValue(): void {
    const byte = this.#bytes[this.#at]
    if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) return this.#skipScalar()
    let depth = 0
    for (;;) {
      const next = this.#bytes[this.#at]
      if (next === QUOTE) this.#skipString()
      else {
        this.#at++
        if (next === OPEN_BRACE || next === OPEN_BRACKET) depth++
        else if ((next === CLOSE_BRACE || next === CLOSE_BRACKET) && --depth === 0) return
      }
    }
  }

  #skipScalar(): void {
    if (this.#bytes[this.#at] === QUOTE) return this.#skipString()
    while (!endsScalar(this.#bytes[this.#at])) this.#at++
  }

  #skipString(): void {
    this.#at++
    while (this.#bytes[this.#at] !== QUOTE) this.#at += this.#bytes[this.#at] === BACKSLASH ? 2 : 1
    this.#at++
  }

  #skipBlanks(): void {
    while (isBlank(this.#bytes[this.#at])) this.#at++
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function endsScalar(byte: number | undefined): boolean {
  return byte === undefined || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isBlank(byte)
}
