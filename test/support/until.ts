import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Polls until `condition` holds. Throws with `what`, and with what `seen` reports instead, if it does not hold within
 * `timeoutMs` (30 s).
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  options: { readonly what: string; readonly timeoutMs?: number; readonly seen?: () => string }
): Promise<void> {
  const { what, timeoutMs = 30_000, seen } = options
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${what}${seen === undefined ? '' : `: ${seen()}`}`)
    }
    await sleep(10)
  }
}

/** How long a busy machine may overload a server. */
const OVERLOADED_MS = 60_000

/**
 * Repeats `send` while a busy machine overloads the server, for a minute at most, as an SDK would. Resolves with the last
 * answer.
 */
export async function untilCalm<T>(send: () => Promise<T>, isOverloaded: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + OVERLOADED_MS
  for (;;) {
    const answer = await send()
    if (!isOverloaded(answer) || performance.now() > deadline) return answer
    await sleep(100)
  }
}
