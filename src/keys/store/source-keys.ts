import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { readKeyEntry } from '../key-digest.ts'

/** A write key and its masked form. */
export interface SourceKey {
  /** Undefined if the file contains only its digest. */
  readonly key: string | undefined
  readonly masked: string
}

/** The write keys of every source, by source id. */
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
