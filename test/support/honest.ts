import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Test } from 'tap'
import { AUTHORIZATION } from './server-process.ts'

export interface Lap {
  readonly requests: number
  /** Statuses other than 200, and errors. */
  readonly failures: readonly string[]
  /** Milliseconds from a request to its answer. */
  readonly p50: number
  readonly p99: number
}

/**
 * A client in its own thread, so that work of the test does not change its times: one connection, one event after the
 * other.
 *
 * @returns a function that returns the measurements since its last call
 */
export function startHonestClient(t: Test, url: string, pauseMs = 5): () => Promise<Lap> {
  const workerData = { url, pauseMs, authorization: AUTHORIZATION }
  const worker = new Worker(new URL('honest-worker.ts', import.meta.url), { workerData, execArgv: [] })
  t.teardown(() => worker.terminate())
  return async () => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    worker.postMessage('lap')
    const [{ times, failures }] = (await once(worker, 'message')) as [{ times: number[]; failures: string[] }]
    const sorted = times.toSorted((a, b) => a - b)
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
    return { requests: times.length + failures.length, failures, p50: at(0.5), p99: at(0.99) }
  }
}
