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
