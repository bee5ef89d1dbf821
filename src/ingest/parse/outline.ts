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

/** The structure of a body that is not JSON, by its braces, brackets and quotes alone. */
export interface Outline {
  /** The position of the opening brace. */
  readonly start: number
  /** The complete members, in order, up to the first position where no member begins. */
  readonly members: readonly OutlineMember[]
  /** An incomplete member: the body was truncated inside it, or a quote is missing. */
  readonly open: { readonly key: string; readonly start: number } | undefined
  /** One past the closing brace; undefined if it was not reached. */
  readonly end: number | undefined
}

/**
 * The outline of the object at `from`; undefined if no object begins there. White space, NULs and commas before the object
 * are skipped.
 *
 * @param most stop after this many members
 */
export function outlineOf(bytes: Buffer, from: number, most = Infinity): Outline | undefined {
  const start = skipSeparators(bytes, from)
  if (bytes[start] !== OPEN_BRACE) return undefined
  let at = skipSeparators(bytes, start + 1)
  const members: OutlineMember[] = []
  for (; at < bytes.length && members.length < most; at = skipSeparators(bytes, at)) {
    if (bytes[at] === CLOSE_BRACE) return { start, members, open: undefined, end: at + 1 }
    const keyEnd = bytes[at] === QUOTE ? endOfString(bytes, at) : undefined
    const key = keyEnd === undefined ? undefined : readKey(bytes.toString('utf8', at, keyEnd))
    if (keyEnd === undefined || key === undefined) break
    const colon = skipSeparators(bytes, keyEnd)
    if (bytes[colon] !== COLON) break
    const valueStart = skipSeparators(bytes, colon + 1)
    const valueEnd = endOfValue(bytes, valueStart)
    if (valueEnd === undefined) return { start, members, open: { key, start: valueStart }, end: undefined }
    members.push({ key, value: { start: valueStart, end: valueEnd } })
    at = valueEnd
  }
  return { start, members, open: undefined, end: undefined }
}

/**
 * The elements of the array that begins at `start`, up to its closing bracket, to an incomplete element, or to the end of
 * the bytes. White space, NULs and any number of commas may separate the elements.
 *
 * @param most stop after this many elements
 */
export function elementsOf(bytes: Buffer, start: number, most = Infinity): Span[] {
  const elements: Span[] = []
  for (let at = skipSeparators(bytes, start + 1); at < bytes.length && elements.length < most;) {
    const end = endOfValue(bytes, at)
    if (end === undefined) break
    elements.push({ start: at, end })
    at = skipSeparators(bytes, end)
  }
  return elements
}

/** The position after white space, NULs and commas. */
export function skipSeparators(bytes: Buffer, start: number): number {
  let at = start
  while (isBlank(bytes[at])) at++
  return at
}

function isBlank(byte: number | undefined): boolean {
  return byte === COMMA || byte === NUL || isSpace(byte)
}

/** One past the value that begins at `start`; undefined if there is no value, or if it is incomplete. */
function endOfValue(bytes: Buffer, start: number): number | undefined {
  const first = bytes[start]
  if (first === QUOTE) return endOfString(bytes, start)
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfContainer(bytes, start)
  let end = start
  while (end < bytes.length && !endsScalar(bytes[end] as number)) end++
  // A scalar at the end of the bytes may be truncated.
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
