import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves once it is at least so many milliseconds after it last did; at once, where it is already. */
export type Pace = () => Promise<void>

/** @param gapMs whole milliseconds: timers know no others, and may be one of them early */
export function createPace(gapMs: number): Pace {
  let next = -Infinity
  return async () => {
    const early = next - performance.now()
    if (early > 0) await sleep(Math.ceil(early))
    next = performance.now() + gapMs
  }
}
