import type { Members } from '../members/members.ts'
import type { Demand } from '../members/heartbeat.ts'
import { createDemandMeter, hasShifted } from './demand.ts'
import type { Share } from './shares.ts'
import { createShares } from './shares.ts'

export interface LimitsOptions {
  /** The id of this start of the server. */
  readonly instance: string
  readonly members: () => Members | undefined
  readonly monotonic: () => number
}

/** The part of the fleet that a server's rate limiter uses. */
export interface FleetLimits {
  offered(source: string, events: number): void
  shareOf(source: string): Share
  /** The demand for the heartbeat. */
  demand(): Readonly<Record<string, Demand>>
  close(): void
}

const UPDATE_MS = 250

/**
 * Follows the demand of the fleet. While the members topic does not answer, the shares do not change: a server that is
 * cut off must not take the others' share.
 */
export function createFleetLimits({ instance, members, monotonic }: LimitsOptions): FleetLimits {
  const meter = createDemandMeter(monotonic)
  const shares = createShares()

  let announced: Readonly<Record<string, Demand>> = {}

  function update(): void {
    const known = members()
    if (known === undefined || !known.isHeard()) return
    const own = meter.read()
    if (hasShifted(announced, own)) known.beat()
    shares.update(
      own,
      known.live().filter(member => member.instance !== instance)
    )
  }

  const timer = setInterval(update, UPDATE_MS).unref()
  return {
    offered: meter.offered,
    shareOf: shares.of,
    demand: () => (announced = meter.read()),
    close: () => clearInterval(timer)
  }
}
