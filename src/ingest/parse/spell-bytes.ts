import { isUtf8 } from 'node:buffer'

/** Beside its frame such a text fits into a record of 1 MiB, which is what Kafka takes by default. */
const MAX_TEXT_BYTES = 960 * 1024
const MASK = '[write key]'
/** The value of such a member, whole or cut off, whatever key it is. */
const KEY_MEMBERS = /("writeKey"\s*:\s*")[^"]*/g

/** Characters that mean something in a pattern. */
const OF_PATTERNS = /[\\^$.*+?()[\]{}|]/g

/** How bytes are spelled in JSON. */
export interface Spelled {
  /** A JSON string. */
  readonly json: string
  readonly encoding: 'utf-8' | 'base64'
}

/** As text where they are UTF-8, else in base64; and in base64 too where most of them would have to be escaped. */
export function spellBytes(bytes: Buffer): Spelled {
  const json = isUtf8(bytes) ? JSON.stringify(bytes.toString()) : undefined
  if (json !== undefined && Buffer.byteLength(json) <= MAX_TEXT_BYTES) return { json, encoding: 'utf-8' }
  return { json: `"${bytes.toString('base64')}"`, encoding: 'base64' }
}

/** The bytes with each write key in them hidden: the one that is given, also in UTF-16, and all that are called so. */
export function withoutWriteKeys(bytes: Buffer, writeKey: string): Buffer {
  // One character for each byte, so that what is not UTF-8 stays as it is.
  const text = bytes.toString('latin1')
  const key = Buffer.from(writeKey).toString('latin1')
  const spellings = [key, key.split('').join('\0')].map(spelling => spelling.replaceAll(OF_PATTERNS, '\\$&'))
  const masked = text.replaceAll(new RegExp(spellings.join('|'), 'g'), MASK).replaceAll(KEY_MEMBERS, `$1${MASK}`)
  return masked === text ? bytes : Buffer.from(masked, 'latin1')
}
