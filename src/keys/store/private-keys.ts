import { newWriteKey } from '../write-key.ts'

/** Keys that only this process knows, one for each source: it can send an event as the source without the source's keys. */
export interface PrivateKeys {
  of(sourceId: string): string
  /** The id of the source that a key was made for. */
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
