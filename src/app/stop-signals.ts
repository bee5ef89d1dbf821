/** Signals that ask a process to stop, by a person or by what supervises it. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const
export type StopSignal = (typeof STOP_SIGNALS)[number]

/**
 * Within this time the same request to stop may come again, in milliseconds. A terminal sends Ctrl-C to all processes in it, and
 * npm sends it to its child once more.
 */
const REPEAT_MS = 1_000

/**
 * Calls `stop` for the first signal that asks the process to stop, and `abort` for one that comes more than a second later, from
 * somebody who does not want to wait.
 */
export function onStopSignals(stop: (signal: StopSignal) => void, abort: () => void): void {
  let first: number | undefined
  const receive = (signal: StopSignal): void => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      stop(signal)
    } else if (now - first > REPEAT_MS) abort()
  }
  for (const signal of STOP_SIGNALS) process.on(signal, receive)
}
