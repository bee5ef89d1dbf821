/**
 * Settles as the promise does, or rejects after so many milliseconds: the client can lose a callback when a connection
 * ends at the wrong moment, so everything that is waited for is bounded from outside too.
 */
export async function inTime<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`timed out after ${milliseconds} ms`)), milliseconds)
  timer.unref()
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
