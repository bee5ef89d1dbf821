/** The values of a generator until the signal aborts; then it is left alone at once, and ends when its own work of the moment ends. */
export async function* untilAborted<T>(from: AsyncGenerator<T>, signal: AbortSignal): AsyncGenerator<T> {
  let stop = (): void => undefined
  const onAbort = (): void => stop()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    while (!signal.aborted) {
      // Promise.race() with one promise of the abort would keep every value until that settles.
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<T> | undefined>()
      stop = () => resolve(undefined)
      from.next().then(resolve, reject)
      const next = await promise
      if (next === undefined || next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    from.return(undefined).catch(() => undefined)
  }
}
