import type { ParseTributaryFile } from '../model/tributary-file.ts'
import { readTributaryFile } from './edit-file.ts'
import { maskWriteKey } from './write-key.ts'

/** A write key, and what may be shown of it. */
export interface SourceKey {
  readonly key: string
  readonly masked: string
}

/** Every source's write keys by its id, read from the file now. Throws ConfigError where the file cannot be used. */
export async function readSourceKeys(
  file: string,
  parse: ParseTributaryFile
): Promise<ReadonlyMap<string, readonly SourceKey[]>> {
  const { before } = await readTributaryFile(file, parse)
  const bySource = new Map<string, SourceKey[]>()
  for (const [key, { id }] of before.writeKeys) {
    const keys = bySource.get(id) ?? []
    bySource.set(id, [...keys, { key, masked: maskWriteKey(key) }])
  }
  return bySource
}
