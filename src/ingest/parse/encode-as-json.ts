import { isUtf8 } from 'node:buffer'

/** A text of this size fits into a record of 1 MiB, Kafka's default limit, together with the other members. */
const MAX_TEXT_BYTES = 960 * 1024
const MASK = '[write key]'
/** The value of any `writeKey` member, complete or truncated. */
const KEY_MEMBERS = /("writeKey"\s*:\s*")[^"]*/g

/** Characters with a meaning in a regular expression. */
const OF_PATTERNS = /[\\^$.*+?()[\]{}|]/g

/** Bytes as a JSON string. */
export interface JsonEncodedBytes {
  /** A JSON string. */
  readonly json: string
  readonly encoding: 'utf-8' | 'base64'
}

/** Writes bytes as text if they are UTF-8 and the escaped text is not too large; otherwise in base64. */
export function encodeAsJson(bytes: Buffer): JsonEncodedBytes {
  const json = isUtf8(bytes) ? JSON.stringify(bytes.toString()) : undefined
  if (json !== undefined && Buffer.byteLength(json) <= MAX_TEXT_BYTES) return { json, encoding: 'utf-8' }
  return { json: `"${bytes.toString('base64')}"`, encoding: 'base64' }
}

/** Masks every occurrence of `writeKey` in the bytes, also in UTF-16, and the values of all members named `writeKey`. */
export function maskWriteKeys(bytes: Buffer, writeKey: string): Buffer {
  // latin1 has one character for each byte, so that bytes that are not UTF-8 stay unchanged.
  const text = bytes.toString('latin1')
  const key = Buffer.from(writeKey).toString('latin1')
  const spellings = [key, key.split('').join('\0')].map(spelling => spelling.replaceAll(OF_PATTERNS, '\\$&'))
  const masked = text.replaceAll(new RegExp(spellings.join('|'), 'g'), MASK).replaceAll(KEY_MEMBERS, `$1${MASK}`)
  return masked === text ? bytes : Buffer.from(masked, 'latin1')
}
