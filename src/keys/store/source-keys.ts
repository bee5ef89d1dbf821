import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { maskWriteKey } from '../write-key.ts'

/** A write key, and what may be shown of it. */
export interface SourceKey {
  readonly key: string
  readonly masked: string
}

/** Every source's write keys by its id. */
export function groupBySource({ writeKeys }: KeyedTributaryFile): ReadonlyMap<string, readonly SourceKey[]> {
  const bySource = new Map<string, SourceKey[]>()
  for (const [key, { id }] of writeKeys) {
    const keys = bySource.get(id)
    if (keys === undefined) bySource.set(id, [{ key, masked: maskWriteKey(key) }])
    else keys.push({ key, masked: maskWriteKey(key) })
  }
  return bySource
}
