import { randomBytes } from 'node:crypto'
import { chmod, chown, link, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ConfigError } from '../../model/config-error.ts'

/** The file contains keys, so only its owner can read it. */
const NEW_FILE_MODE = 0o600

/**
 * Creates a file atomically. Resolves with false and changes nothing if the file exists. If several processes create it at
 * once, one of them succeeds.
 */
export async function createFile(file: string, text: string): Promise<boolean> {
  return withTemporary(file, text, async temporary => {
    try {
      await link(temporary, file)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') return false
      // Some file systems have no hard links.
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error
      return createInPlace(file, text)
    }
    return true
  })
}

async function createInPlace(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: NEW_FILE_MODE, flush: true })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Replaces the content of a file atomically, and keeps its mode and its owner. The target of a symlink is replaced. Calls
 * `unchanged` last, which checks that the file is still the one that the new text was made from.
 */
export async function replaceFile(file: string, text: string, unchanged: () => Promise<boolean>): Promise<void> {
  const target = await realpath(file)
  const { mode, uid, gid } = await stat(target)
  await withTemporary(target, text, async temporary => {
    const made = await stat(temporary)
    if (made.uid !== uid || made.gid !== gid) await chown(temporary, uid, gid)
    await chmod(temporary, mode & 0o7777)
    if (!(await unchanged())) throw new ConfigError([`${file}: somebody else has changed it meanwhile; try again`])
    try {
      await rename(temporary, target)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
      throw new ConfigError(
        [`${file}: it is mounted as a single file and cannot be replaced here; edit it where it is`],
        {
          cause: error
        }
      )
    }
  })
}

/** Calls `use` with an fsynced temporary file in the same folder. Then removes the file if it is left, and fsyncs the folder. */
async function withTemporary<T>(file: string, text: string, use: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: NEW_FILE_MODE, flush: true })
    return await use(temporary)
  } finally {
    await rm(temporary, { force: true })
    await syncFolderIfPossible(dirname(file))
  }
}

/** Makes a rename durable. Some systems cannot open a folder; then nothing can be done. */
async function syncFolderIfPossible(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
