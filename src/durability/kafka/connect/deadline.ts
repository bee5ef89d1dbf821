interface DeadlineOptions {
  readonly limitMs: number
  /** performance.now() at which the oldest entry arrived; undefined if none waits. */
  readonly oldest: () => number | undefined
  readonly onOverdue: () => void
}

export type Deadline = ReturnType<typeof createDeadline>

/**
 * Calls onOverdue when the oldest waiting entry has waited for limitMs. It decides one turn of the event loop after the
 * timer, so that answers that were unread while this process was busy still count.
 */
export function createDeadline({ limitMs, oldest, onOverdue }: DeadlineOptions) {
  let timer: NodeJS.Timeout | undefined

  /** Something waits: watch the oldest. Costs little if it is watched already. */
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
