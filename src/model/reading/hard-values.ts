/**
 * Values that the contract allows and that are stored byte for byte, but that stop or mislead common readers of the
 * log. docs/reading.md has the measurements of each reader.
 */
export const HARD_VALUES = {
  beyond_double: 'a number too large for a double: Polars reads nothing of the file, ClickHouse nothing of the object',
  beyond_64_bits: 'an integer beyond 64 bits: pandas reads nothing of the file',
  empty_key: "a key that is the empty string: ClickHouse's inference of columns stops",
  nul: 'a NUL character: PostgreSQL takes no line of the copy as jsonb',
  lone_surrogate:
    'half of a surrogate pair: PostgreSQL takes no line of the copy as jsonb, Polars puts a NUL in its place',
  keys_differ_by_case:
    'keys of one object that differ by case alone: Spark and other SQL engines take them for one column',
  repeated_key: 'a key twice in one object: Spark and the JSON type of ClickHouse stop, others keep the last alone'
} as const

export type HardValueKind = keyof typeof HARD_VALUES

export interface HardValue {
  readonly kind: HardValueKind
  /** The keys joined by dots; `[]` means the elements of an array. At most 200 characters. */
  readonly path: string
}

const MAX_PATH_CHARS = 200
const MIN_INTEGER = -(2n ** 63n)
const MAX_INTEGER = 2n ** 64n - 1n
/** An integer with fewer characters fits into 64 bits. */
const SHORT_INTEGER_CHARS = 19
/** A number with fewer characters, without an exponent, is within the range of a double. */
const SHORT_NUMBER_CHARS = 300

const QUOTE = 34
const BACKSLASH = 92
const OPEN = new Set(['{', '['])
const CLOSE = new Set(['}', ']'])

interface Level {
  readonly path: string
  /** The keys of an object so far; undefined for an array. */
  readonly keys: Set<string> | undefined
  /** The same keys in lower case. */
  readonly folded: Set<string>
  /** The path of the next value. */
  next: string
  expectsKey: boolean
}

/**
 * Finds the hard values in the text of one JSON object, each kind once for each path. It examines the text and not a
 * parsed value, because a parser rounds numbers and keeps only the last of two equal keys.
 *
 * @param text valid JSON; for anything else, the result has no meaning
 */
export function findHardValues(text: string): readonly HardValue[] {
  const found = new Map<string, HardValue>()
  const note = (kind: HardValueKind, path: string): void => {
    const cut = path.slice(0, MAX_PATH_CHARS)
    found.set(`${kind} ${cut}`, { kind, path: cut })
  }
  const levels: Level[] = []
  for (let at = 0; at < text.length;) {
    const char = text[at] as string
    const level = levels.at(-1)
    if (char === '"') {
      const end = endOfString(text, at)
      takeString(text.slice(at, end), level, note)
      at = end
      continue
    }
    if (char === '-' || (char >= '0' && char <= '9')) {
      const end = endOfNumber(text, at)
      judgeNumber(text.slice(at, end), level?.next ?? '', note)
      at = end
      continue
    }
    if (OPEN.has(char)) levels.push(levelOf(char, level))
    else if (CLOSE.has(char)) levels.pop()
    else if (char === ',' && level?.keys !== undefined) level.expectsKey = true
    at++
  }
  return [...found.values()]
}

type Note = (kind: HardValueKind, path: string) => void

function levelOf(char: string, above: Level | undefined): Level {
  const path = above?.next ?? ''
  const isObject = char === '{'
  const keys = isObject ? new Set<string>() : undefined
  return { path, keys, folded: new Set(), next: joined(path, '[]'), expectsKey: isObject }
}

function joined(path: string, step: string): string {
  return path === '' ? step : `${path}.${step}`
}

function takeString(literal: string, level: Level | undefined, note: Note): void {
  const value = valueOf(literal)
  if (level?.keys === undefined || !level.expectsKey) return judgeString(value, level?.next ?? '', note)
  level.expectsKey = false
  level.next = joined(level.path, value)
  judgeString(value, level.next, note)
  if (value === '') note('empty_key', level.next)
  const folded = value.toLowerCase()
  if (level.keys.has(value)) note('repeated_key', level.next)
  else if (level.folded.has(folded)) note('keys_differ_by_case', level.next)
  level.keys.add(value)
  level.folded.add(folded)
}

function valueOf(literal: string): string {
  return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1)
}

function judgeString(value: string, path: string, note: Note): void {
  if (value.includes('\u0000')) note('nul', path)
  if (!value.isWellFormed()) note('lone_surrogate', path)
}

function judgeNumber(literal: string, path: string, note: Note): void {
  const isInteger = /^-?\d+$/.test(literal)
  if (isInteger && literal.length >= SHORT_INTEGER_CHARS && !fits64Bits(literal)) note('beyond_64_bits', path)
  const isPlain = literal.length < SHORT_NUMBER_CHARS && !/[eE]/.test(literal)
  if (!isPlain && !Number.isFinite(Number(literal))) note('beyond_double', path)
}

/** Checks the length first, because a BigInt of 30,000 digits takes long to create. */
function fits64Bits(literal: string): boolean {
  if (literal.length > 20) return false
  const value = BigInt(literal)
  return value >= MIN_INTEGER && value <= MAX_INTEGER
}

/** The position after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at + 1
  }
  return text.length
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && /[0-9.eE+-]/.test(text[at] as string)) at++
  return at
}
