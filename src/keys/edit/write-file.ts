import { randomBytes } from 'node:crypto'
import { chmod, chown, link, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ConfigError } from '../../model/config-error.ts'

/** Keys are in it: for its owner alone. */
const NEW_FILE_MODE = 0o600

/**
 * Makes a file that nobody ever sees in half, unless there is one of that name: then it is left alone and the answer is
 * false. Of several makers at once, one wins.
 */
export async function createFile(file: string, text: string): Promise<boolean> {
  return withTemporary(file, text, async temporary => {
    try {
      await link(temporary, file)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') return false
      // Some mounts have no hard links.
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
 * Puts `text` in the place of a file at once, with its mode and its owner. A symlink stays: what it points at is
 * replaced. `unchanged` is asked last: whether the file still is what the new text was made from.
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

/** Hands a flushed temporary file in the same folder to `use`, and leaves neither it nor an unflushed folder behind. */
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

/** Without it a power cut can take back a rename. Some systems cannot open a folder; there is nothing to do then. */
async function syncFolderIfPossible(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
