import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  isSpace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE
} from './json-bytes.ts'

const NUL = 0x00

/** Bytes [start, end). */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A member of the outermost object. */
export interface OutlineMember {
  readonly key: string
  readonly value: Span
}

/** What braces, brackets and quotes tell of a body that is not JSON. Nothing between them is judged. */
export interface Outline {
  /** Where its opening brace stands. */
  readonly start: number
  /** The members whose values end, in their order, up to the first place where no member stands. */
  readonly members: readonly OutlineMember[]
  /** A member that has begun and does not end: the body was cut off in it, or its quotes do not hold. */
  readonly open: { readonly key: string; readonly start: number } | undefined
  /** One past the closing brace; undefined where it was not reached. */
  readonly end: number | undefined
}

/**
 * Undefined where no object begins at `from`, white space, NULs and commas before it left out.
 *
 * @param most so many members are enough
 */
export function outlineOf(bytes: Buffer, from: number, most = Infinity): Outline | undefined {
  const start = skipBlank(bytes, from)
  if (bytes[start] !== OPEN_BRACE) return undefined
  let at = skipBlank(bytes, start + 1)
  const members: OutlineMember[] = []
  for (; at < bytes.length && members.length < most; at = skipBlank(bytes, at)) {
    if (bytes[at] === CLOSE_BRACE) return { start, members, open: undefined, end: at + 1 }
    const keyEnd = bytes[at] === QUOTE ? endOfString(bytes, at) : undefined
    const key = keyEnd === undefined ? undefined : readKey(bytes.toString('utf8', at, keyEnd))
    if (keyEnd === undefined || key === undefined) break
    const colon = skipBlank(bytes, keyEnd)
    if (bytes[colon] !== COLON) break
    const valueStart = skipBlank(bytes, colon + 1)
    const valueEnd = endOfValue(bytes, valueStart)
    if (valueEnd === undefined) return { start, members, open: { key, start: valueStart }, end: undefined }
    members.push({ key, value: { start: valueStart, end: valueEnd } })
    at = valueEnd
  }
  return { start, members, open: undefined, end: undefined }
}

/**
 * The elements of the array that begins at `start`, up to its bracket, to one that does not end, or to the end of the
 * bytes. Between them stand only white space, NULs and commas, however many.
 *
 * @param most so many elements are enough
 */
export function elementsOf(bytes: Buffer, start: number, most = Infinity): Span[] {
  const elements: Span[] = []
  for (let at = skipBlank(bytes, start + 1); at < bytes.length && elements.length < most;) {
    const end = endOfValue(bytes, at)
    if (end === undefined) break
    elements.push({ start: at, end })
    at = skipBlank(bytes, end)
  }
  return elements
}

/** The position behind white space, NULs and commas. */
export function skipBlank(bytes: Buffer, start: number): number {
  let at = start
  while (isBlank(bytes[at])) at++
  return at
}

function isBlank(byte: number | undefined): boolean {
  return byte === COMMA || byte === NUL || isSpace(byte)
}

/** One past the value that begins at `start`; undefined where none does, or where it does not end. */
function endOfValue(bytes: Buffer, start: number): number | undefined {
  const first = bytes[start]
  if (first === QUOTE) return endOfString(bytes, start)
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfContainer(bytes, start)
  let end = start
  while (end < bytes.length && !endsScalar(bytes[end] as number)) end++
  // What nothing stands behind may have been cut off.
  return end === start || end === bytes.length ? undefined : end
}

function endsScalar(byte: number): boolean {
  return isBlank(byte) || byte === CLOSE_BRACE || byte === CLOSE_BRACKET
}

function endOfContainer(bytes: Buffer, start: number): number | undefined {
  let depth = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const end = endOfString(bytes, at)
      if (end === undefined) return undefined
      at = end - 1
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at + 1
  }
  return undefined
}

function endOfString(bytes: Buffer, start: number): number | undefined {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return at + 1
    if (bytes[at] === BACKSLASH) at++
  }
  return undefined
}

function readKey(json: string): string | undefined {
  try {
    return JSON.parse(json) as string
  } catch {
    return undefined
  }
}
