import { open } from 'node:fs/promises'

export interface Appended {
  /** Bytes of whole entries that are in the file now: all of them, unless there is an `error`. */
  readonly kept: number
  /** The file system's, where something could not be written. */
  readonly error?: Error
}

/** A file of entries of one size, each of which stands at a multiple of it: half an entry would shift all that follow. */
export interface EntryFile {
  /** Bytes of whole entries. */
  readonly bytes: number
  /** Appends entries. What a full disk has cut short is taken back, now or before the next append. One call at a time. */
  append(entries: Uint8Array): Promise<Appended>
  /** Makes what was appended durable. Rejects with the file system's error. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface EntryFileOptions {
  readonly path: string
  readonly entryBytes: number
  readonly mode: number
  /** There must be no such file yet. */
  readonly isNew?: boolean
}

/** Opens a file of entries for appending; half an entry at its end is cut off. Rejects with the file system's error. */
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
