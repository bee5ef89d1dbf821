/**
 * Settles as the promise does, or rejects after this many milliseconds. The client can lose a callback when a
 * connection ends at the wrong moment, so every wait for the client has a limit here too.
 */
export async function withTimeout<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`timed out after ${milliseconds} ms`)), milliseconds)
  timer.unref()
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
