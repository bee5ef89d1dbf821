/** How long queued work may keep the event loop from its sockets, in milliseconds; a piece that takes longer is finished. */
const SLICE_MS = 4

export interface WorkQueue {
  /** Does the work once everything that can be read now has been read, and what was queued before it has had its turn. */
  later(work: () => void): void
  /**
   * For work that takes long: resolves when the event loop has been round, for one at a time of those that pause, oldest
   * first. Nothing that is queued overtakes them.
   */
  pause(): Promise<void>
}

/**
 * Requests that come at the same time pass each room together: the processor finds the room's code and data where the
 * request before left them, which for single events saves a tenth of all that they cost. Large ones pass in pieces, so
 * that sockets, timers and health checks need not wait for a whole megabyte.
 */
export function createWorkQueue(): WorkQueue {
  let waiting: (() => void)[] = []
  let next = 0
  let isScheduled = false
  const paused: (() => void)[] = []

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    setImmediate(run)
  }

  function run(): void {
    isScheduled = false
    // What was paused goes on when this function is over, and may pause again before its next turn.
    const goOn = paused.shift()
    if (goOn === undefined) work()
    else goOn()
    if (paused.length > 0 || next < waiting.length) schedule()
  }

  function work(): void {
    const end = performance.now() + SLICE_MS
    do waiting[next++]?.()
    while (next < waiting.length && paused.length === 0 && performance.now() < end)
    if (next < waiting.length) return
    waiting = []
    next = 0
  }

  return {
    later(piece) {
      waiting.push(piece)
      schedule()
    },
    pause() {
      const { promise, resolve } = Promise.withResolvers<void>()
      paused.push(resolve)
      schedule()
      return promise
    }
  }
}
