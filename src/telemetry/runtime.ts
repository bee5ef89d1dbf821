import { createRequire } from 'node:module'
import { collectDefaultMetrics } from '@prometheus-io/client'
import type { Registry } from '@prometheus-io/client'

/** `gc` watches each collection with a PerformanceObserver: thirty times a second under load. */
const LEFT_OUT: ReadonlySet<string> = new Set(['gc'])

/** The library's own default. */
const LAG_PRECISION_MS = 10

const load = createRequire(import.meta.url)

/**
 * Adds the library's `process_*` and `nodejs_*` metrics but for the durations of collecting garbage. For each of those
 * Node makes an entry with functions and hidden classes of its own, which come to lie in V8's old space: watching for
 * garbage made half of what a full collection has to collect. The library has no setting for it, so its metrics are
 * asked one by one.
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
