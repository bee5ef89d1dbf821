import type { Source } from '../../model/source.ts'
import { digestOfKey, readKeyEntry } from '../key-digest.ts'
import { MAX_WRITE_KEY_CHARS } from '../write-key.ts'

/** Finds the source of a write key. */
export type KeyIndex = (writeKey: string) => Source | undefined

/**
 * Creates an index of keys by their SHA-256. Keys are never compared themselves: the time of a lookup reveals at most how far
 * two digests agree, and nobody can choose digests step by step. The raw keys are not stored.
 */
export function createKeyIndex(writeKeys: ReadonlyMap<string, Source>): KeyIndex {
  const byDigest = new Map([...writeKeys].map(([key, source]) => [readKeyEntry(key).digest, source]))
  // Longer texts are not hashed: a client may send a whole body as its key.
  return writeKey => (writeKey.length > MAX_WRITE_KEY_CHARS ? undefined : byDigest.get(digestOfKey(writeKey)))
}
