/** A request that was refused before it was split into events: it never became one, so no stream shows it. */
export interface RefusedRequest {
  /** The same code as in the answer. */
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

/** Groups them by code, of which there are few; keeps the latest of each. */
export function createRefusedRequests(now: () => number): RefusedRequests {
  const groups = new Map<string, { count: number; samples: (RefusedRequest & { at: number })[] }>()
  return {
    add({ code, path, address, client }) {
      let group = groups.get(code)
      if (group === undefined) groups.set(code, (group = { count: 0, samples: [] }))
      group.count++
      // The query may hold the write key.
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
