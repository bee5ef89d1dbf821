/** What is read from a path; undefined where nothing is there. Any other error is rejected with the path in its words. */
export async function orNothing<T>(path: string, reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw Object.assign(new Error(`${path} cannot be read: ${message}`, { cause: error }), { code })
  }
}
