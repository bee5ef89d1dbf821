import { createDemandMeter } from '../limits/demand.ts'
import type { OtherDemand, Share } from '../limits/shares.ts'
import { createShares } from '../limits/shares.ts'
import type { Demand } from '../members/heartbeat.ts'
import { BEAT_MS } from './messages.ts'
import type { Slot } from './slot.ts'

/** A worker's share of each source's limits, according to its share of the demand. */
export interface WorkerLimits {
  offered(source: string, events: number): void
  shareOf(source: string): Share
  demand(): Readonly<Record<string, Demand>>
  /** Sets the demand of the other workers. */
  heard(others: readonly OtherDemand[]): void
}

/** @param count the number of workers; before the others' demand is known, each has an equal share */
export function createWorkerLimits(count: number, monotonic: () => number): WorkerLimits {
  const meter = createDemandMeter(monotonic)
  const shares = createShares()
  const heard = (others: readonly OtherDemand[]): void => shares.update(meter.read(), others)
  heard(Array.from({ length: count - 1 }, () => ({ demand: {} })))
  return { offered: meter.offered, shareOf: shares.of, demand: meter.read, heard }
}

/** Sends each worker the demand of the others at the interval of heartbeats. A worker that does not run has none. */
export function relayDemand(slots: readonly Slot[]): NodeJS.Timeout {
  return setInterval(() => {
    const live = slots.filter(slot => slot.state === 'listening' && !slot.isSilent)
    for (const slot of live) {
      const others = live.filter(other => other !== slot).map(({ beat }) => ({ demand: beat?.demand ?? {} }))
      slot.send({ op: 'demand', others })
    }
  }, BEAT_MS).unref()
}
