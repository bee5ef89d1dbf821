/** A request that was refused before it was split into events, so that no stream of events shows it. */
export interface RefusedRequest {
  /** The code of the answer. */
  readonly code: string
  readonly path: string
  readonly address: string
  /** The User-Agent, which names most SDKs. */
  readonly client: string
}

export interface RefusedGroup {
  readonly code: string
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

/** Groups refused requests by code, and keeps the latest of each. The number of codes is fixed. */
export function createRefusedRequests(now: () => number): RefusedRequests {
  const groups = new Map<string, { count: number; samples: (RefusedRequest & { at: number })[] }>()
  return {
    add({ code, path, address, client }) {
      let group = groups.get(code)
      if (group === undefined) groups.set(code, (group = { count: 0, samples: [] }))
      group.count++
      // The query may contain the write key.
      const [bare = ''] = path.split('?', 1)
      const sample = { code, path: bare.slice(0, MAX_TEXT_CHARS), address, client: client.slice(0, MAX_TEXT_CHARS) }
      group.samples.unshift({ ...sample, at: now() })
      if (group.samples.length > MAX_SAMPLES) group.samples.pop()
    },
    groups: () =>
      [...groups].map(([code, { count, samples }]) => ({ code, count, samples, lastAt: samples[0]?.at ?? 0 })),
    clear: () => groups.clear()
  }
}
