/** Resolves with the result of `reading`, or undefined if the path does not exist. Other errors are rejected and name the path. */
export async function undefinedIfMissing<T>(path: string, reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw Object.assign(new Error(`${path} cannot be read: ${message}`, { cause: error }), { code })
  }
}
