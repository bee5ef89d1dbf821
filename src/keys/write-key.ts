import { randomInt } from 'node:crypto'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_CHARS = 32

/** No source can have a longer key: schemas/config.schema.json. */
export const MAX_WRITE_KEY_CHARS = 128

/** `wk_` and 32 random characters: 190 bits. */
export function newWriteKey(): string {
  return `wk_${Array.from({ length: RANDOM_CHARS }, () => BASE62.charAt(randomInt(BASE62.length))).join('')}`
}

const SHOWN_FIRST = 6
const SHOWN_LAST = 3
/** Of a shorter key, nine characters would tell too much. */
const LEAST_HIDDEN = 9

/** Enough of a key to tell it from others. */
export function maskWriteKey(key: string): string {
  if (key.length >= SHOWN_FIRST + SHOWN_LAST + LEAST_HIDDEN)
    return `${key.slice(0, SHOWN_FIRST)}…${key.slice(-SHOWN_LAST)}`
  return `${key.slice(0, Math.floor(key.length / 4))}…`
}
