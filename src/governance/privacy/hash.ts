import { createHmac } from 'node:crypto'

const IS_HASH = /^[0-9a-f]{64}$/i
const IS_EMAIL = /^[^\s@]+@[^\s@]+$/

/** Hashes a text. Returns texts that need no hash unchanged. */
export type Hasher = (text: string) => string

/**
 * HMAC-SHA-256 in lower-case hex. An e-mail address is trimmed and lower-cased first, so that all spellings of it have
 * one hash. A text of 64 hex digits counts as hashed already, and stays, as does an empty one.
 *
 * @param key the secret: without it, anybody with a list of addresses could hash them all and compare
 */
export function createHasher(key: string): Hasher {
  return text => {
    if (text === '' || IS_HASH.test(text)) return text
    const trimmed = text.trim()
    return createHmac('sha256', key)
      .update(IS_EMAIL.test(trimmed) ? trimmed.toLowerCase() : text)
      .digest('hex')
  }
}
