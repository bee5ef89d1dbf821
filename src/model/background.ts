/**
 * Shares the event loop between requests and work that can wait, such as the debugger's searches. All of this work together
 * gets one slice of the loop's time at a time, so that ten searches delay an event no longer than one.
 */
export interface Background {
  /**
   * Resolves when the caller may work until `isOver()`: at once while a slice lasts, otherwise in the order of the calls.
   * Call it again after waiting for something else, such as a file.
   */
  slice(): Promise<void>
  /** Whether the current slice is used up; the caller must then await `slice()` before it continues. Cheap. */
  isOver(): boolean
}

/** One slice, in milliseconds. The step in progress at its end is finished, so a slice may last a little longer. */
const SLICE_MS = 1
/** The pause between two slices while the loop has other work, which gets five sixths of the time. */
const REST_MS = 5
/** Other work between two slices that took longer than this means that requests are being served. */
const BUSY_MS = 0.2
/** How long the loop counts as busy after that. */
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

/** The time that the event loop has worked, without waiting, since the start of the process. */
function activeMs(): number {
  return performance.eventLoopUtilization().active
}
