import type { Demand } from '../members/heartbeat.ts'

/** Measures the events and requests per second that this server gets, by source. */
export interface DemandMeter {
  /** Counts a request of a source with a rate limit, whether it passes or not. */
  offered(source: string, events: number): void
  /** By source id, for sources with recent requests. */
  read(): Readonly<Record<string, Demand>>
}

interface Gauge {
  events: number
  requests: number
  /** The events and requests since the last step. */
  newEvents: number
  newRequests: number
}

const STEP_MS = 250
/** After this time a change of demand counts for 63 %. */
const MEMORY_MS = 500
const KEPT_OF_A_STEP = Math.exp(-STEP_MS / MEMORY_MS)
/** Below this rate, in requests a second, a source is forgotten. */
const FORGOTTEN_BELOW = 0.01
/** The most sources that are measured. */
const MAX_SOURCES = 1_000

/**
 * @param monotonic milliseconds
 */
export function createDemandMeter(monotonic: () => number): DemandMeter {
  const gauges = new Map<string, Gauge>()
  let steppedAt = monotonic()

  /** Moves each rate towards the demand in the steps since the last call. */
  function step(): void {
    const steps = Math.floor((monotonic() - steppedAt) / STEP_MS)
    if (steps < 1) return
    steppedAt += steps * STEP_MS
    const kept = KEPT_OF_A_STEP ** steps
    const perSecond = 1_000 / (steps * STEP_MS)
    for (const [source, gauge] of gauges) {
      gauge.events = gauge.events * kept + gauge.newEvents * perSecond * (1 - kept)
      gauge.requests = gauge.requests * kept + gauge.newRequests * perSecond * (1 - kept)
      gauge.newEvents = 0
      gauge.newRequests = 0
      if (gauge.requests < FORGOTTEN_BELOW) gauges.delete(source)
    }
  }

  return {
    offered(source, events) {
      step()
      let gauge = gauges.get(source)
      if (gauge === undefined) {
        if (gauges.size >= MAX_SOURCES) return
        gauges.set(source, (gauge = { events: 0, requests: 0, newEvents: 0, newRequests: 0 }))
      }
      gauge.newEvents += events
      gauge.newRequests += 1
    },
    read() {
      step()
      const entries = [...gauges].map(([source, { events, requests }]) => [source, [round(events), round(requests)]])
      return Object.fromEntries(entries) as Record<string, Demand>
    }
  }
}

/** A smaller change, in events or requests per second, can wait for the next heartbeat. */
const LEAST_SHIFT = 1
const SHIFTED_PART = 0.2

/** Whether the demand differs so much from the last one that was sent that it should be sent now. */
export function hasShifted(sent: Readonly<Record<string, Demand>>, now: Readonly<Record<string, Demand>>): boolean {
  for (const source of new Set([...Object.keys(sent), ...Object.keys(now)])) {
    for (const index of [0, 1] as const) {
      const [before, after] = [sent[source]?.[index] ?? 0, now[source]?.[index] ?? 0]
      const shift = Math.abs(after - before)
      if (shift > LEAST_SHIFT && shift > SHIFTED_PART * Math.max(before, after)) return true
    }
  }
  return false
}

const round = (rate: number): number => Math.round(rate * 100) / 100
