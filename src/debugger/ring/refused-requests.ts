import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS } from '../../model/errors.ts'

/** A request that was refused before it was split into events, so that no stream of events shows it. */
export interface RefusedRequest {
  /** The code of the answer. */
  readonly code: string
  /** The path of the route, without the key that a client put into its own path. */
  readonly path: string
  readonly address: string
  /** The User-Agent, which names most SDKs. */
  readonly client: string
  /** The Origin that a browser sent; '' if there was none. */
  readonly origin: string
  /** The id of the key's source; '' if the key is not known. */
  readonly source: string
  /** The masked form of a key that no source has; '' if there was none. */
  readonly key: string
  /** Why it was refused, as a sentence. */
  readonly message: string
}

export interface RefusedGroup {
  readonly code: string
  /** Whether clients send such a request again. */
  readonly retryable: boolean
  readonly count: number
  /** Milliseconds since the epoch. */
  readonly lastAt: number
  /** The latest few, newest first. */
  readonly samples: readonly (RefusedRequest & { readonly at: number })[]
}

export interface RefusedRequests {
  add(request: RefusedRequest): void
  groups(): readonly RefusedGroup[]
  clear(): void
}

const MAX_SAMPLES = 5
const MAX_TEXT_CHARS = 200
const MAX_MESSAGE_CHARS = 600

/** Whether clients send it again: OAuth's 511 asks them for a new token first. */
function isSentAgain(code: string): boolean {
  if (!(code in ERRORS)) return false
  const { retryable, status } = ERRORS[code as ErrorCode]
  return retryable || status === 511
}

/** Groups refused requests by code, and keeps the latest of each. The number of codes is fixed. */
export function createRefusedRequests(now: () => number): RefusedRequests {
  const groups = new Map<string, { count: number; samples: (RefusedRequest & { at: number })[] }>()
  return {
    add(request) {
      const { code } = request
      let group = groups.get(code)
      if (group === undefined) groups.set(code, (group = { count: 0, samples: [] }))
      group.count++
      const client = request.client.slice(0, MAX_TEXT_CHARS)
      const origin = request.origin.slice(0, MAX_TEXT_CHARS)
      const message = request.message.slice(0, MAX_MESSAGE_CHARS)
      group.samples.unshift({ ...request, client, origin, message, at: now() })
      if (group.samples.length > MAX_SAMPLES) group.samples.pop()
    },
    groups: () =>
      [...groups].map(([code, { count, samples }]) => ({
        code,
        retryable: isSentAgain(code),
        count,
        samples,
        lastAt: samples[0]?.at ?? 0
      })),
    clear: () => groups.clear()
  }
}
