import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { readKeyEntry } from '../key-digest.ts'

/** A write key, and what may be shown of it. */
export interface SourceKey {
  /** Undefined where the file holds a digest of it. */
  readonly key: string | undefined
  readonly masked: string
}

/** Every source's write keys by its id. */
export function groupBySource({ writeKeys }: KeyedTributaryFile): ReadonlyMap<string, readonly SourceKey[]> {
  const bySource = new Map<string, SourceKey[]>()
  for (const [entry, { id }] of writeKeys) {
    const { key, shown: masked } = readKeyEntry(entry)
    const keys = bySource.get(id)
    if (keys === undefined) bySource.set(id, [{ key, masked }])
    else keys.push({ key, masked })
  }
  return bySource
}
