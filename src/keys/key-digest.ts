import { hash } from 'node:crypto'
import { maskWriteKey } from './write-key.ts'

/**
 * A write key that is written as its digest: `sha256:<64 hexadecimal digits>:<length>:<shown>`, the last two being
 * optional. A key holds no colon, so no key looks like that (schemas/config.schema.json).
 */
const DIGEST = /^sha256:(?<digest>[0-9a-f]{64})(?::(?<length>[0-9]{1,3}):(?<shown>[!-9;-~]{1,20}))?$/
const GENERATED_LENGTH = 35

/** What is known of an entry of `writeKeys`. */
export interface KeyEntry {
  /** SHA-256 in hexadecimal digits. */
  readonly digest: string
  /** The key's length in characters; that of a generated key where the entry does not say. */
  readonly length: number
  /** Enough of the key to tell it from others. */
  readonly shown: string
  /** The key itself; undefined where the entry is a digest. */
  readonly key: string | undefined
}

export function readKeyEntry(entry: string): KeyEntry {
  const { digest, length, shown } = DIGEST.exec(entry)?.groups ?? {}
  if (digest === undefined)
    return { digest: digestOfKey(entry), length: entry.length, shown: maskWriteKey(entry), key: entry }
  return {
    digest,
    length: length === undefined ? GENERATED_LENGTH : Number(length),
    shown: shown?.replace('...', '…') ?? `sha256:${digest.slice(0, 8)}…`,
    key: undefined
  }
}

/** Whether somebody who typed this means the key: the whole key, its beginning, what is shown of it, or its entry. */
export function isMeant(entry: string, typed: string): 'exactly' | 'perhaps' | 'no' {
  const { digest, shown, key } = readKeyEntry(entry)
  if (entry === typed || digest === digestOfKey(typed)) return 'exactly'
  const [beginning = ''] = shown.split('…')
  const isBeginning = key === undefined ? beginning.startsWith(typed) : key.startsWith(typed)
  return isBeginning || shown === typed || entry.startsWith(typed) ? 'perhaps' : 'no'
}

export const digestOfKey = (key: string): string => hash('sha256', key, 'hex')

/** The entry that stands for a key where keys may not be read. */
export function toDigestEntry(entry: string): string {
  const { digest, length, shown, key } = readKeyEntry(entry)
  return key === undefined ? entry : `sha256:${digest}:${length}:${shown.replace('…', '...')}`
}
