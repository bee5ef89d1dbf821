import type { FastifyInstance } from 'fastify'
import type { Debugger } from '../../debugger/debugger.ts'
import type { BodyBudget } from '../../http/body/body-budget.ts'
import { METRICS } from '../../telemetry/metric-list.ts'
import type { Base } from './base.ts'
import { VERSION } from './base.ts'
import type { Destinations } from './destinations.ts'
import type { DiskWatch } from './disk.ts'
import type { Ingestion } from './ingestion.ts'
import type { Sources } from './sources.ts'

/** The parts that the gauges read. */
export interface GaugeSources {
  readonly sources: Sources
  readonly destinations: Destinations
  readonly ingestion: Ingestion
  readonly tracking: { readonly server: FastifyInstance; readonly budget: BodyBudget }
  readonly disk: DiskWatch
  readonly watchers: Debugger['watchers']
  /** True after the server has begun to stop. */
  readonly draining: () => boolean
}

/** Registers every metric that is computed when it is read. Add a new gauge here, and its name in telemetry. */
export function registerGauges({ metrics, config, seen }: Base, measured: GaugeSources): void {
  const { ids } = measured.ingestion
  const { server, budget } = measured.tracking
  registerSinkGauges(metrics, measured)
  registerOperationsGauges(metrics, measured)
  metrics.gauge(METRICS.dedupeIds, () => ids.sizes().map(([source, size]) => [{ source }, size]))
  metrics.gauge(METRICS.heldBodyBytes, () => [[{}, budget.held]])
  metrics.gauge(METRICS.openConnections, () => [[{}, openConnections(server)]])
  metrics.gauge(METRICS.spoolMaxBytes, () => [[{}, config.spoolMaxBytes]])
  metrics.gauge(METRICS.dedupeMaxIds, () => [[{}, config.dedup.maxIds]])
  metrics.gauge(METRICS.debuggerEvents, () => [[{}, seen.recent.usage().events]])
  metrics.gauge(METRICS.debuggerBytes, () => [[{}, seen.recent.usage().bytes]])
  metrics.gauge(METRICS.debuggerWatchers, () => [[{}, measured.watchers()]])
}

function registerSinkGauges(metrics: Base['metrics'], { destinations, draining }: GaugeSources): void {
  const { sink } = destinations
  metrics.gauge(METRICS.ready, () => [[{}, sink.health().ready && !draining() ? 1 : 0]])
  metrics.gauge(METRICS.queueBytes, () => byLabel('sink', sink.levels().queued))
  metrics.gauge(METRICS.logBytes, () => byLabel('log', sink.levels().disk))
  metrics.gauge(METRICS.backlogBytes, () => [[{}, sink.levels().backlog]])
  metrics.gauge(METRICS.lateLanes, () => [[{}, sink.levels().lanes?.late ?? 0]])
  metrics.gauge(METRICS.laneMaxBytes, () => [[{}, sink.levels().lanes?.maxBytes ?? 0]])
  metrics.gauge(METRICS.kafkaThrottle, () => [[{}, (sink.levels().lanes?.throttledMs ?? 0) / 1000]])
}

function registerArchiveGauges(metrics: Base['metrics'], { archiveLevels }: Destinations['sink']): void {
  metrics.gauge(METRICS.archiveBytes, () => seriesIfKnown(archiveLevels()?.bytes))
  metrics.gauge(METRICS.archiveBehind, () => seriesIfKnown(archiveLevels()?.behind))
  metrics.gauge(METRICS.archiveLost, () => seriesIfKnown(archiveLevels()?.lost))
  metrics.gauge(METRICS.archiveGrowing, () => seriesIfKnown(archiveLevels() && Number(archiveLevels()?.growing)))
}

function registerOperationsGauges(
  metrics: Base['metrics'],
  { sources: { keys }, destinations: { sink }, disk }: GaugeSources
): void {
  registerArchiveGauges(metrics, sink)
  metrics.gauge(METRICS.diskFree, () => seriesIfKnown(disk.reading()?.freeBytes))
  metrics.gauge(METRICS.diskSize, () => seriesIfKnown(disk.reading()?.sizeBytes))
  metrics.gauge(METRICS.buildInfo, () => [[{ version: VERSION }, 1]])
  metrics.gauge(METRICS.configReloadSuccessful, () => [[{}, keys.configState().isLastUsed ? 1 : 0]])
  metrics.gauge(METRICS.configHash, () => [[{ hash: keys.configState().hash }, 1]])
}

/** An unknown value has no series, because a 0 would trigger an alert. */
function seriesIfKnown(value: number | undefined): [Record<string, string>, number][] {
  return value === undefined ? [] : [[{}, value]]
}

function byLabel(label: string, values: Partial<Record<string, number>> = {}): [Record<string, string>, number][] {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value ?? 0])
}

function openConnections(app: FastifyInstance): number {
  return (app.server as unknown as { _connections: number })._connections
}
