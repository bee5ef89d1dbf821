import { mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

const FOLDER_MODE = 0o750
/** Readable by the group, so that an operator's tools can run as another user. */
export const FILE_MODE = 0o640

/**
 * Makes the entries of a folder durable: a new, renamed or deleted file is not durable before its folder is fsynced.
 */
export async function syncFolder(dir: string): Promise<void> {
  await using handle = await open(dir)
  await handle.sync()
}

/** Creates the folder and its parents, durably. Does nothing if it exists. */
export async function makeFolder(dir: string): Promise<void> {
  const first = await mkdir(dir, { recursive: true, mode: FOLDER_MODE })
  if (first === undefined) return
  for (let at = resolve(dir); at.length >= resolve(first).length; at = dirname(at)) await syncFolder(dirname(at))
}

/** Replaces the content of a file and fsyncs it. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'w', FILE_MODE)
  try {
    await handle.writeFile(bytes)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/** Reads these bytes of a file; fewer only at its end. Uses `memory` if it is large enough. */
export async function readAt(handle: FileHandle, offset: number, bytes: number, memory?: Buffer): Promise<Buffer> {
  const buffer = memory !== undefined && memory.length >= bytes ? memory : Buffer.allocUnsafeSlow(bytes)
  let filled = 0
  while (filled < bytes) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** What a file is called until it is whole. */
export const TEMPORARY = '.tmp'

/** Replaces a file, or makes it, in one step: it is written beside it first, and fsynced. Rejects with the file system's error. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = path + TEMPORARY
  try {
    await writeDurably(temporary, bytes)
  } catch (error) {
    // On a full disk its bytes are in the way.
    await unlinkIfThere(temporary).catch(() => undefined)
    throw error
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** The result of a call of the file system; undefined if the file is missing. Rejects with any other error of the call. */
export async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  return await call.catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
}

export function unlinkIfThere(path: string): Promise<void> {
  return ifThere(unlink(path))
}

const PROBE = '.probe'

/** Rejects if `bytes` cannot be made durable in the folder now, because of a full, read-only or failing disk. */
export async function probeWriting(dir: string, bytes: number): Promise<void> {
  const path = join(dir, PROBE)
  try {
    await writeDurably(path, Buffer.alloc(bytes, 'x'))
  } finally {
    await unlinkIfThere(path)
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT'
}

/** The system's own message, such as "ENOSPC: no space left on device, write". */
export function describeFileError(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
