import { hash } from 'node:crypto'
import { maskWriteKey } from './write-key.ts'

/**
 * The digest form of a write key: `sha256:<64 hexadecimal digits>:<length>:<shown>`, where the last two parts are optional. A
 * key contains no colon, so no key has this form (schemas/config.schema.json).
 */
const DIGEST = /^sha256:(?<digest>[0-9a-f]{64})(?::(?<length>[0-9]{1,3}):(?<shown>[!-9;-~]{1,20}))?$/
const GENERATED_LENGTH = 35

/** The parsed form of an entry of `writeKeys`. */
export interface KeyEntry {
  /** SHA-256 in hexadecimal digits. */
  readonly digest: string
  /** The key's length in characters; the length of a generated key if the entry has none. */
  readonly length: number
  /** Enough characters of the key to distinguish it from others. */
  readonly shown: string
  /** The key itself; undefined if the entry is a digest. */
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

/** Whether a typed text names the key of an entry: the whole key, its beginning, its masked form, or the entry. */
export function matchTypedKey(entry: string, typed: string): 'exactly' | 'perhaps' | 'no' {
  const { digest, shown, key } = readKeyEntry(entry)
  if (entry === typed || digest === digestOfKey(typed)) return 'exactly'
  const [beginning = ''] = shown.split('…')
  const isBeginning = key === undefined ? beginning.startsWith(typed) : key.startsWith(typed)
  return isBeginning || shown === typed || entry.startsWith(typed) ? 'perhaps' : 'no'
}

export const digestOfKey = (key: string): string => hash('sha256', key, 'hex')

/** Converts an entry to its digest form, for places where keys must not be readable. */
export function toDigestEntry(entry: string): string {
  const { digest, length, shown, key } = readKeyEntry(entry)
  return key === undefined ? entry : `sha256:${digest}:${length}:${shown.replace('…', '...')}`
}
