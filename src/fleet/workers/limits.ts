import { createDemandMeter } from '../limits/demand.ts'
import type { OtherDemand, Share } from '../limits/shares.ts'
import { createShares } from '../limits/shares.ts'
import type { Demand } from '../members/heartbeat.ts'
import { BEAT_MS } from './messages.ts'
import type { Slot } from './slot.ts'

/** What the rate limiter of a worker is told: its part of each source's limits, by its part of the demand. */
export interface WorkerLimits {
  offered(source: string, events: number): void
  shareOf(source: string): Share
  demand(): Readonly<Record<string, Demand>>
  /** What the other workers have said. */
  heard(others: readonly OtherDemand[]): void
}

/** @param count workers; before the others are heard of, each has an even part */
export function createWorkerLimits(count: number, monotonic: () => number): WorkerLimits {
  const meter = createDemandMeter(monotonic)
  const shares = createShares()
  const heard = (others: readonly OtherDemand[]): void => shares.update(meter.read(), others)
  heard(Array.from({ length: count - 1 }, () => ({ demand: {} })))
  return { offered: meter.offered, shareOf: shares.of, demand: meter.read, heard }
}

/** Tells each worker the demand of the others, as often as they say it. One that does not run has none. */
export function relayDemand(slots: readonly Slot[]): NodeJS.Timeout {
  return setInterval(() => {
    const live = slots.filter(slot => slot.state === 'listening' && !slot.isSilent)
    for (const slot of live) {
      const others = live.filter(other => other !== slot).map(({ beat }) => ({ demand: beat?.demand ?? {} }))
      slot.send({ op: 'demand', others })
    }
  }, BEAT_MS).unref()
}
