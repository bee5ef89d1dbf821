import { randomInt } from 'node:crypto'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_CHARS = 32

/** The longest key of a source (schemas/config.schema.json). */
export const MAX_WRITE_KEY_CHARS = 128

/** Generates a key: `wk_` and 32 random characters, 190 bits. */
export function newWriteKey(): string {
  return `wk_${Array.from({ length: RANDOM_CHARS }, () => BASE62.charAt(randomInt(BASE62.length))).join('')}`
}

const SHOWN_FIRST = 6
const SHOWN_LAST = 3
/** A shorter key is masked completely, because nine characters would reveal too much of it. */
const LEAST_HIDDEN = 9

/** Masks a key; the rest is enough to distinguish it from others. */
export function maskWriteKey(key: string): string {
  if (key.length >= SHOWN_FIRST + SHOWN_LAST + LEAST_HIDDEN)
    return `${key.slice(0, SHOWN_FIRST)}…${key.slice(-SHOWN_LAST)}`
  return `${key.slice(0, Math.floor(key.length / 4))}…`
}
