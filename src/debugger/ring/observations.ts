import type { RecentEvents } from './recent.ts'
import { createRecentEvents } from './recent.ts'
import type { RefusedRequest, RefusedRequests } from './refused-requests.ts'
import { createRefusedRequests } from './refused-requests.ts'

/** What was measured since it was last taken. */
export interface Measured {
  /** Milliseconds until each write was confirmed; of very many the first ones. */
  readonly publishMs: readonly number[]
  readonly refusedRequests: number
}

/** All that the server tells the debugger, in memory: made before the parts that report, and read by the parts that show. */
export interface Observations {
  readonly recent: RecentEvents
  readonly refused: RefusedRequests
  /** A sink confirmed a write. */
  published(milliseconds: number): void
  /** A request was refused before it was split into events. */
  requestRefused(request: RefusedRequest): void
  /** Begins a new interval. */
  take(): Measured
}

const MAX_LATENCIES = 2_000

export function createObservations(now: () => number): Observations {
  const refused = createRefusedRequests(now)
  let publishMs: number[] = []
  let refusedRequests = 0
  return {
    recent: createRecentEvents(),
    refused,
    published(milliseconds) {
      if (publishMs.length < MAX_LATENCIES) publishMs.push(milliseconds)
    },
    requestRefused(request) {
      refusedRequests++
      refused.add(request)
    },
    take() {
      const measured = { publishMs, refusedRequests }
      publishMs = []
      refusedRequests = 0
      return measured
    }
  }
}
