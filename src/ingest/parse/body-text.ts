import { isAscii, isUtf8 } from 'node:buffer'

/** The text of bytes [start, end). */
export type TextOf = (start: number, end: number) => string

/** How strings are made of a body's bytes. */
export interface BodyText {
  /** For what is looked at and let go: it may keep some KB of text around it in memory. */
  readonly text: TextOf
  /** For what lives on until its record is durable: it keeps nothing but itself. */
  readonly ownText: TextOf
}

/** A power of two; most events are smaller. */
const PAGE_BYTES = 4 * 1024
const WINDOW_BYTES = 32 * 1024

/** Undefined where the bytes are not UTF-8. */
export function bodyTextOf(bytes: Buffer): BodyText | undefined {
  if (isAscii(bytes)) return { text: inWindows(bytes), ownText: (start, end) => bytes.toString('latin1', start, end) }
  return isUtf8(bytes) ? anyTextOf(bytes) : undefined
}

/** For bytes that need not be UTF-8: what is none becomes U+FFFD. */
export function anyTextOf(bytes: Buffer): BodyText {
  const text: TextOf = (start, end) => bytes.toString('utf8', start, end)
  return { text, ownText: text }
}

/**
 * Of ASCII, which nearly all bodies are, a window is made at once: a piece of it is a view, and costs a quarter of a
 * string of its own. Events are looked at one after the other, each from its page on. Not all of the body at once: its
 * text would lie among V8's large objects, which are freed only when all of the heap is looked through.
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
