export interface Deadline {
  /** Something waits: watch the oldest. Costs little if it is watched already. */
  arm(): void
  stop(): void
}

/**
 * Calls onOverdue when the oldest waiting entry has waited for limitMs. It decides one turn of the event loop after the
 * timer, so that answers that were unread while this process was busy still count.
 *
 * @param options.oldest performance.now() at which the oldest entry arrived; undefined if none waits
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
