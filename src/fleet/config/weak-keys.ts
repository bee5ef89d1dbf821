import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { readKeyEntry } from '../../keys/key-digest.ts'

/** Below this length, in characters, somebody could try all keys against a digest. */
const WEAK_BELOW = 20

/** One line for each source with keys that could be guessed from their digests. */
export function weakKeys({ writeKeys }: KeyedTributaryFile): string[] {
  const weak = new Map<string, number>()
  for (const [entry, { id }] of writeKeys) {
    if (readKeyEntry(entry).length < WEAK_BELOW) weak.set(id, (weak.get(id) ?? 0) + 1)
  }
  return [...weak].map(
    ([id, keys]) =>
      `source "${id}": ${keys} ${keys === 1 ? 'key is' : 'keys are'} shorter than ${WEAK_BELOW} characters, and could be guessed from the digest by whoever reads the topic: see "tributary keys rotate"`
  )
}
