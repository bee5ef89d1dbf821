/**
 * Shares the event loop between requests and work that can wait, such as the debugger's searches. All of that work
 * together gets one slice of the loop's time at a time, so that ten searches hold an event up no longer than one.
 */
export interface Background {
  /**
   * Resolves when the caller may work, until `isOver()`: at once while the slice lasts, else in the order of asking.
   * Whoever has waited for something else, such as a file, asks again.
   */
  slice(): Promise<void>
  /** Whether the slice under way is used up: the caller then awaits `slice()` before it goes on. Costs little. */
  isOver(): boolean
}

/** One slice, in milliseconds. The step that is under way at its end is finished, so a slice may last a little longer. */
const SLICE_MS = 1
/** While the loop has other work, so long it belongs to that work between two slices: five sixths of its time. */
const REST_MS = 5
/** Other work between two slices that took longer than this means that requests are being served. */
const BUSY_MS = 0.2
/** So long after that the loop counts as busy. */
const BUSY_FOR_MS = 50

export function createBackground(): Background {
  const waiting: (() => void)[] = []
  let isScheduled = false
  let sliceEnd = 0
  let workedUntil = 0
  let activeBefore = 0
  let busyUntil = 0

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    setImmediate(passOrRest)
  }

  function passOrRest(): void {
    const now = performance.now()
    if (now < sliceEnd) return pass()
    if (activeMs() - activeBefore > BUSY_MS) busyUntil = now + BUSY_FOR_MS
    const restMs = now < busyUntil ? workedUntil + REST_MS - now : 0
    if (restMs > 0) setTimeout(begin, restMs)
    else begin()
  }

  function begin(): void {
    sliceEnd = performance.now() + SLICE_MS
    pass()
  }

  function pass(): void {
    isScheduled = false
    waiting.shift()?.()
    if (waiting.length > 0) schedule()
  }

  function isOver(): boolean {
    workedUntil = performance.now()
    return workedUntil >= sliceEnd
  }

  return {
    isOver,
    slice() {
      if (waiting.length === 0 && !isOver()) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      activeBefore = activeMs()
      waiting.push(resolve)
      schedule()
      return promise
    }
  }
}

/** How long the event loop has worked, and not waited, since the start of the process. */
function activeMs(): number {
  return performance.eventLoopUtilization().active
}
