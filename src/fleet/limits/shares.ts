import type { Demand } from '../members/heartbeat.ts'

/** The demand of another live server. */
export interface OtherDemand {
  readonly demand: Readonly<Record<string, Demand>>
}

/** Parts of a source's limits, from 0 to 1. */
export interface Share {
  readonly events: number
  readonly requests: number
}

export interface Shares {
  /** This server's share of a source's limits. Takes constant time, because each request calls it. */
  of(source: string): Share
  /** Computes the shares again. */
  update(own: Readonly<Record<string, Demand>>, others: readonly OtherDemand[]): void
}

/** The share of a server without demand, so that its first request can pass. */
const IDLE_PART = 0.01

/**
 * A server's share of a limit is its share of the fleet's demand. All servers calculate with the same numbers, so the
 * shares add up to 1, except for changes in the last second. A source without demand is split evenly.
 */
export function createShares(): Shares {
  let shares = new Map<string, Share>()
  let even: Share = { events: 1, requests: 1 }

  return {
    of: source => shares.get(source) ?? even,
    update(own, others) {
      const servers = others.length + 1
      even = { events: 1 / servers, requests: 1 / servers }
      const sources = new Set([own, ...others.map(({ demand }) => demand)].flatMap(demand => Object.keys(demand)))
      const next = new Map<string, Share>()
      for (const source of sources) {
        const part = (index: 0 | 1): number => {
          const mine = own[source]?.[index] ?? 0
          const all = others.reduce((sum, { demand }) => sum + (demand[source]?.[index] ?? 0), mine)
          const idle = all * IDLE_PART
          return all === 0 ? 1 / servers : (mine + idle) / (all + servers * idle)
        }
        next.set(source, { events: part(0), requests: part(1) })
      }
      shares = next
    }
  }
}
