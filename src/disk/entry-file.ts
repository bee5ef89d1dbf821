import { open } from 'node:fs/promises'

export interface Appended {
  /** Bytes of complete entries that were written: all entries, unless there is an `error`. */
  readonly kept: number
  /** The file system's error if an entry could not be written. */
  readonly error?: Error
}

/** A file of entries of equal size. Each is at a multiple of the size: an incomplete entry would shift all later ones. */
export interface EntryFile {
  /** Bytes of complete entries. */
  readonly bytes: number
  /** Appends entries. An entry that a full disk truncated is removed, now or before the next append. One call at a time. */
  append(entries: Uint8Array): Promise<Appended>
  /** Makes the appended entries durable. Rejects with the file system's error. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface EntryFileOptions {
  readonly path: string
  readonly entryBytes: number
  readonly mode: number
  /** True if the file must not exist. */
  readonly isNew?: boolean
}

/** Opens a file of entries for appending, and removes an incomplete entry at its end. Rejects with the file system's error. */
export async function openEntryFile({ path, entryBytes, mode, isNew = false }: EntryFileOptions): Promise<EntryFile> {
  const handle = await open(path, isNew ? 'ax' : 'a', mode)
  let bytes = 0
  let isTorn = false

  async function cut(): Promise<void> {
    await handle.truncate(bytes)
    isTorn = false
  }

  try {
    const { size } = await handle.stat()
    bytes = size - (size % entryBytes)
    if (bytes < size) await cut()
  } catch (error) {
    await handle.close()
    throw error
  }

  return {
    get bytes() {
      return bytes
    },
    async append(entries) {
      let written = 0
      let error: Error | undefined
      try {
        if (isTorn) await cut()
        while (written < entries.length) {
          const { bytesWritten } = await handle.write(entries, written)
          if (bytesWritten === 0) throw new Error('nothing more could be written')
          written += bytesWritten
        }
      } catch (thrown) {
        error = thrown as Error
      }
      const kept = written - (written % entryBytes)
      bytes += kept
      isTorn ||= kept < written
      if (isTorn) await cut().catch(() => undefined)
      return error === undefined ? { kept } : { kept, error }
    },
    sync: () => handle.datasync(),
    close: () => handle.close()
  }
}
