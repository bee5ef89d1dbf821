import type { Source } from '../../model/source.ts'
import { digestOfKey, readKeyEntry } from '../key-digest.ts'
import { MAX_WRITE_KEY_CHARS } from '../write-key.ts'

/** Finds the source of a write key. */
export type KeyIndex = (writeKey: string) => Source | undefined

/**
 * Keys are looked up by their SHA-256, never compared themselves: how long a lookup takes tells how far two digests
 * agree, and nobody can choose digests step by step. The raw keys are not kept.
 */
export function createKeyIndex(writeKeys: ReadonlyMap<string, Source>): KeyIndex {
  const byDigest = new Map([...writeKeys].map(([key, source]) => [readKeyEntry(key).digest, source]))
  // A whole body may come as a key; hashing it would be work for nothing.
  return writeKey => (writeKey.length > MAX_WRITE_KEY_CHARS ? undefined : byDigest.get(digestOfKey(writeKey)))
}
