import { createRequire } from 'node:module'
import { collectDefaultMetrics } from '@prometheus-io/client'
import type { Registry } from '@prometheus-io/client'

/** `gc` observes each garbage collection with a PerformanceObserver: thirty times a second under load. */
const LEFT_OUT: ReadonlySet<string> = new Set(['gc'])

/** The library's own default. */
const LAG_PRECISION_MS = 10

const load = createRequire(import.meta.url)

/**
 * Adds the library's `process_*` and `nodejs_*` metrics without the durations of garbage collections. For each duration, Node
 * creates an entry with its own functions and hidden classes, which move to V8's old space: half of the garbage of a full
 * collection came from observing garbage collections. The library has no option for it, so its metrics are added one by one.
 */
export function collectRuntimeMetrics(registry: Registry): void {
  for (const name of collectDefaultMetrics.metricsList) {
    if (LEFT_OUT.has(name)) continue
    const collect = load(`@prometheus-io/client/lib/metrics/${name}`) as (
      registry: Registry,
      config: { eventLoopMonitoringPrecision: number }
    ) => void
    collect(registry, { eventLoopMonitoringPrecision: LAG_PRECISION_MS })
  }
}
