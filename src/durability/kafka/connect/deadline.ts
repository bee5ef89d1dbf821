export interface Deadline {
  /** Something waits: watch the oldest. Cheap when that is being done already. */
  arm(): void
  stop(): void
}

/**
 * Calls onOverdue when the oldest of what waits has waited for limitMs. The verdict comes one turn of the event loop
 * after the timer, so that answers which lay unread while this process was busy count.
 *
 * @param options.oldest performance.now() when the oldest came; undefined when nothing waits
 */
export function createDeadline(options: {
  readonly limitMs: number
  readonly oldest: () => number | undefined
  readonly onOverdue: () => void
}): Deadline {
  const { limitMs, oldest, onOverdue } = options
  let timer: NodeJS.Timeout | undefined

  const arm = (): void => {
    if (timer !== undefined) return
    const since = oldest()
    if (since !== undefined) timer = setTimeout(() => setImmediate(judge), since + limitMs - performance.now())
  }

  const judge = (): void => {
    timer = undefined
    const since = oldest()
    if (since !== undefined && performance.now() - since >= limitMs) onOverdue()
    else arm()
  }

  return { arm, stop: () => clearTimeout(timer) }
}
