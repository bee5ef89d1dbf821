import type { Traces } from '../../telemetry/traces/open-traces.ts'
import { METRICS } from '../../telemetry/metric-list.ts'
import type { Base } from './base.ts'
import { VERSION } from './base.ts'

/** The share of SHUTDOWN_GRACE for spans that are still in the queue. */
const TRACES_SHARE_OF_GRACE = 0.2

/** Traces of requests, if the OTEL variables ask for them. The module that loads OpenTelemetry is loaded only then. */
export async function openTracing({ config, clock, logger, metrics }: Base): Promise<Tracing | undefined> {
  const { traces: settings, shutdownGraceMs } = config
  if (settings === undefined) return undefined
  const { openTraces } = await import('../../telemetry/traces/open-traces.ts')
  const traces = await openTraces({ settings, version: VERSION, clock, log: logger, count: metrics.spans })
  metrics.gauge(METRICS.spanQueue, () => [[{}, traces.queued()]])
  return { begin: traces.begin, close: () => traces.close(shutdownGraceMs * TRACES_SHARE_OF_GRACE) }
}

export interface Tracing extends Pick<Traces, 'begin'> {
  /** Sends the spans that are left, for as long as their share of SHUTDOWN_GRACE. */
  close(): Promise<void>
}
