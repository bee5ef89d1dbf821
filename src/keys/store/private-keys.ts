import { newWriteKey } from '../write-key.ts'

/** Keys that only this process has, one for each source, so that it can send events without the source's own keys. */
export interface PrivateKeys {
  of(sourceId: string): string
  /** The id of the source of a private key; undefined for any other key. */
  ownerOf(key: string): string | undefined
}

export function createPrivateKeys(): PrivateKeys {
  const bySource = new Map<string, string>()
  const owners = new Map<string, string>()
  return {
    of(sourceId) {
      const known = bySource.get(sourceId)
      if (known !== undefined) return known
      const made = newWriteKey()
      bySource.set(sourceId, made)
      owners.set(made, sourceId)
      return made
    },
    ownerOf: key => owners.get(key)
  }
}
