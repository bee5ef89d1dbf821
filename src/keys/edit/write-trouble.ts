import { ConfigError, isConfigError } from '../../model/config-error.ts'

const SENTENCES: Readonly<Record<string, string>> = {
  EROFS: 'it is on a read-only mount and cannot be changed from here: edit the original of the mount',
  EACCES: 'this user may not change it, or may not write in its folder',
  EPERM: 'this user may not change it, or may not write in its folder',
  ENOSPC: 'the disk is full; nothing was changed',
  EDQUOT: 'the quota of the disk is used up; nothing was changed',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'what should be its folder is a file'
}

/** Runs `write`, which writes `file`. Converts an error of the file system to a ConfigError with a readable reason. */
export async function withExplainedErrors<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException
    if (isConfigError(error) || code === undefined || errno === undefined) throw error
    throw new ConfigError([`${file}: ${SENTENCES[code] ?? 'it cannot be written'} (${code})`], { cause: error })
  }
}
