import type { RecentEvents } from './recent.ts'
import { createRecentEvents } from './recent.ts'
import type { RefusedRequest, RefusedRequests } from './refused-requests.ts'
import { createRefusedRequests } from './refused-requests.ts'

/** The measurements of one interval. */
export interface Measured {
  /** Milliseconds until each write was confirmed; the first ones if there are very many. */
  readonly publishMs: readonly number[]
  readonly refusedRequests: number
}

/** Everything that the debugger shows, in memory. It is created before the parts that report to it. */
export interface Observations {
  readonly recent: RecentEvents
  readonly refused: RefusedRequests
  /** Records that a sink confirmed a write after so many milliseconds. */
  published(milliseconds: number): void
  /** Records a request that was refused before it was split into events. */
  requestRefused(request: RefusedRequest): void
  /** Returns the measurements of this interval, and begins the next. */
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
