import { isAscii, isUtf8 } from 'node:buffer'

/** The text of bytes [start, end). */
export type TextOf = (start: number, end: number) => string

/** Creates strings from the bytes of a body. */
export interface BodyText {
  /** For short-lived strings: the string may keep up to 32 KB of the body's text in memory. */
  readonly text: TextOf
  /** For strings that live until their record is durable: the string keeps only its own memory. */
  readonly ownText: TextOf
}

/** A power of two; most events are smaller. */
const PAGE_BYTES = 4 * 1024
const WINDOW_BYTES = 32 * 1024

/** The text of a body; undefined if the bytes are not UTF-8. */
export function bodyTextOf(bytes: Buffer): BodyText | undefined {
  if (isAscii(bytes)) return { text: inWindows(bytes), ownText: (start, end) => bytes.toString('latin1', start, end) }
  return isUtf8(bytes) ? anyTextOf(bytes) : undefined
}

/** The text of bytes that may not be UTF-8: an invalid sequence becomes U+FFFD. */
export function anyTextOf(bytes: Buffer): BodyText {
  const text: TextOf = (start, end) => bytes.toString('utf8', start, end)
  return { text, ownText: text }
}

/**
 * For ASCII, which nearly all bodies are: decodes a window of the body, and returns slices of it. A slice shares the window's
 * memory and costs a quarter of a separate string. Events are read in order, so that a window serves many of them. The
 * whole body is not decoded at once, because its text would be a large object of V8, which only a full garbage collection
 * frees.
 */
function inWindows(bytes: Buffer): TextOf {
  let from = 0
  let to = 0
  let window = ''
  return (start, end) => {
    if (start < from || end > to) {
      if (end - start > PAGE_BYTES) return bytes.toString('latin1', start, end)
      from = start & -PAGE_BYTES
      to = Math.min(from + WINDOW_BYTES, bytes.length)
      window = bytes.toString('latin1', from, to)
    }
    return window.slice(start - from, end - from)
  }
}
