import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { postToSelf } from '../../client/self-request.ts'
import type { Config } from '../../config/env/config.ts'
import { ADMIN_PATH_RULES, createAdminServer } from '../../debugger/admin-server.ts'
import { FILTERS } from '../../debugger/api/api-events.ts'
import type { Finders } from '../../debugger/api/trace.ts'
import type { Debugger } from '../../debugger/debugger.ts'
import { registerDebugger } from '../../debugger/debugger.ts'
import { registerHealth } from '../../debugger/health.ts'
import { openEventStream } from '../../debugger/live/event-stream.ts'
import { queryOf } from '../../debugger/query.ts'
import { parseFilter } from '../../debugger/ring/filter.ts'
import { createFinders } from '../../durability/search/find.ts'
import type { Drainer } from '../../http/server/drain.ts'
import { prepareListener } from '../../http/server/listener.ts'
import { answerUnrouted } from '../../http/server/unrouted.ts'
import { recentAudit } from '../../telemetry/audit.ts'
import type { ViewOptions } from '../../fleet/view/view.ts'
import { fleetState, mergeViews } from '../../fleet/view/view.ts'
import { kafkaState } from './fleet.ts'
import type { Base } from './base.ts'
import { VERSION } from './base.ts'
import { createExplainer } from '../../ingest/route/explain.ts'
import type { Destinations } from './destinations.ts'
import type { DiskWatch } from './disk.ts'
import type { Ingestion } from './ingestion.ts'
import type { Sources } from './sources.ts'

/** The parts that health and the debugger read. */
export interface AdminParts {
  readonly sources: Sources
  readonly destinations: Destinations
  readonly ingestion: Ingestion
  /** The listener of the tracking API. */
  readonly tracking: FastifyInstance
  readonly drainer: Drainer
  readonly disk: DiskWatch
}

/** Creates the admin listener. It answers refused requests in the same form as the tracking API. */
export async function openAdmin({ config, logger }: Base): Promise<FastifyInstance> {
  const admin = await createAdminServer({ logger, tls: config.tls })
  prepareListener(admin, { trustProxy: config.trustProxy, idleMs: config.keepAliveTimeoutMs })
  answerUnrouted(admin, ADMIN_PATH_RULES)
  return admin
}

/** Adds `/livez`, `/readyz` and `/metrics`. */
export function addHealthRoutes(
  admin: FastifyInstance,
  { metrics }: Base,
  { destinations, drainer }: AdminParts
): void {
  registerHealth(admin, {
    health: () => destinations.sink.health(),
    draining: () => drainer.draining,
    kafka: () => kafkaState(destinations.sink),
    metricsText: () => metrics.registry.metrics(),
    metricsType: metrics.registry.contentType
  })
}

export async function addDebugger(admin: FastifyInstance, base: Base, shown: AdminParts): Promise<Debugger> {
  const { config, live, seen, background, clock } = base
  const { destinations, ingestion, tracking, drainer, disk } = shown
  const { keys, fleet } = shown.sources
  // The admin routes of a worker are asked by its primary, which merges the answers.
  const endStreams =
    fleet && config.workers === undefined
      ? mergeViews(admin, { fleet, password: config.adminPassword, openStream: openMergedStream })
      : undefined
  const { sink } = destinations
  const debug = await registerDebugger(admin, {
    seen,
    password: live.adminPassword,
    host: config.adminHost,
    knownKeys: { isKey: text => keys.find(text) !== undefined, lengths: keys.keyLengths, version: keys.current },
    probe: () => ({
      health: sink.health(),
      draining: drainer.draining,
      backlog: config.kafka && { bytes: sink.levels().backlog, maxBytes: config.spoolMaxBytes },
      dedupe: { ids: Math.max(0, ...ingestion.ids.sizes().map(([, size]) => size)), maxIds: config.dedup.maxIds },
      disk: disk.reading(),
      archive: sink.archiveLevels()
    }),
    finders: openFinders(base, destinations),
    explain: createExplainer({
      history: destinations.routing.history,
      eventsTopic: config.eventsTopic,
      hasKafka: config.kafka !== undefined
    }),
    background,
    destination: config.kafka ? `Kafka (${config.kafka.brokers.join(', ')})` : `the log in ${config.dataDir}`,
    version: VERSION,
    sources: keys.sources,
    writeKeys: keys.sourceKeys,
    privateKey: keys.privateKey,
    sendEvent: (writeKey, type, event) => postToSelf(tracking, { path: `/v1/${type}`, writeKey, body: event }),
    trackingUrl: hostname => config.publicUrl ?? urlOf(tracking, hostname, config),
    showsFleet: endStreams && (() => fleet?.members()?.isHeard() ?? false),
    fleet: fleet && (() => fleetState(fleet, config.fleet?.name ?? '')),
    suppressions: ingestion.governance.suppressions,
    catalogue: ingestion.catalogue,
    violations: ingestion.governance.violations,
    audit: base.audit.audit,
    auditTrail: () => recentAudit(config.dataDir),
    clock
  })
  // After the debugger's own hook, which ends this server's streams.
  if (endStreams !== undefined) admin.addHook('preClose', endStreams)
  return debug
}

/** A stream whose rows the servers have filtered. */
const openMergedStream: ViewOptions['openStream'] = (request, reply, watch) => {
  const query = queryOf(request, [...FILTERS, 'scope', 'server', 'after'])
  const { scope: _scope, server: _server, after: _after, ...filters } = query
  // Refuses an invalid filter here, as each server would.
  parseFilter(filters)
  openEventStream(request, reply, { live: { watch }, matches: () => true, from: 0 })
}

function openFinders({ config, live, clock, background }: Base, { knownTopics }: Destinations): Finders {
  const archive = config.archive && resolve(config.archive.dir)
  return createFinders({
    dataDir: config.dataDir,
    kafka: live.kafka,
    topics: knownTopics,
    archive,
    now: clock.now,
    background
  })
}

/** The tracking API's URL for a client that reached this machine by `hostname`. */
function urlOf(tracking: FastifyInstance, hostname: string, { port, tls }: Config): string {
  const bound = tracking.server.address()
  const actual = typeof bound === 'object' && bound !== null ? bound.port : port
  return `${tls === undefined ? 'http' : 'https'}://${hostname}:${actual}`
}
