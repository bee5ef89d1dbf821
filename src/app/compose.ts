/** The composition root: makes every part of the server in order and hands each what it needs. Nothing else knows all parts. */
import type { FastifyInstance } from 'fastify'
import type { Debugger } from '../debugger/debugger.ts'
import { createDrainer } from '../http/server/drain.ts'
import type { IdStore } from '../ingest/dedupe/id-store.ts'
import { selfFacts } from './parts/fleet.ts'
import { openAdmin, showDebugger, showHealth } from './parts/admin.ts'
import type { AppOptions } from './parts/base.ts'
import { createBase } from './parts/base.ts'
import { openDestinations } from './parts/destinations.ts'
import { watchDisk } from './parts/disk.ts'
import { measure } from './parts/gauges.ts'
import { openIngestion } from './parts/ingestion.ts'
import { openSources } from './parts/sources.ts'
import { openTracking } from './parts/tracking.ts'

/** Of SHUTDOWN_GRACE, what requests under way may take; the rest is for what they carry. */
const REQUESTS_SHARE_OF_GRACE = 0.6
/** So long an idle connection stays open for a request that its client has sent already. */
const QUIET_MS = 1_000

export interface App {
  readonly tracking: FastifyInstance
  readonly admin: FastifyInstance
  /** Binds both listeners; the addresses are URLs. */
  listen(): Promise<{ readonly tracking: string; readonly admin: string }>
  /** From now on the other servers of the fleet hear of this one; listen() does it by itself. */
  joinFleet(adminUrl: string): void
  /** The key of the fleet's one source, where this server has made it. */
  readonly firstKey: string | undefined
  /** Resolves once Kafka was asked, or cannot be: one line for each topic that it refuses as it is configured. */
  topicProblems(): Promise<readonly string[]>
  /** Reads tributary.yml and the certificate again now; what cannot be used is said in the log, and changes nothing. */
  reload(): void
  /** Bytes in the spool that Kafka has not confirmed. */
  backlogBytes(): number
  /** The live stream, for a primary. */
  readonly debugger: Debugger
  /** Remembers messageIds that became durable in another process. */
  readonly restoreIds: IdStore['restore']
  /** All metrics, as the metrics library merges them. */
  readMetrics(): Promise<readonly object[]>
  /** Takes no more requests, finishes those under way, makes what they carry durable. Safe to call twice. */
  close(): Promise<void>
}

/** Builds the server without listening. Throws ConfigError, or an Error in words, where it cannot run as configured. */
export async function createApp(options: AppOptions): Promise<App> {
  const base = createBase(options)
  const { config, metrics } = base
  const sources = await openSources(base)
  const destinations = await openDestinations(base, sources, options.sink)
  const ingestion = await openIngestion(base, sources, destinations)
  const tracking = await openTracking(base, sources, ingestion)
  const drainer = createDrainer(tracking.server)
  const admin = await openAdmin(base)
  base.live.follow([tracking.server.server, admin.server])
  const disk = await watchDisk(config, admin)
  const shown = { sources, destinations, ingestion, tracking: tracking.server, drainer, disk }
  showHealth(admin, base, shown)
  const debug = await showDebugger(admin, base, shown)
  measure(base, { ...shown, tracking, watchers: debug.watchers, draining: () => drainer.draining })
  // Last: an edit of tributary.yml concerns all of them.
  sources.keys.follow(ingestion.governance.approve(destinations.routing))

  async function stop(): Promise<void> {
    const deadlineMs = config.shutdownGraceMs * REQUESTS_SHARE_OF_GRACE
    await drainer.drain({ quietMs: Math.min(QUIET_MS, deadlineMs), deadlineMs })
    await tracking.server.close()
    await destinations.sink.close()
    const { ids, governance, catalogue } = ingestion
    await Promise.all([ids.close(), sources.keys.close(), governance.close(), catalogue.close()])
    await sources.fleet?.close()
    base.live.close()
    await admin.close()
  }

  function joinFleet(adminUrl: string): void {
    sources.fleet?.join(() => selfFacts(config, destinations.sink, adminUrl))
  }

  let stopping: Promise<void> | undefined
  return {
    tracking: tracking.server,
    admin,
    async listen() {
      const trackingUrl = await tracking.server.listen({ host: config.host, port: config.port })
      const adminUrl = await admin.listen({ host: config.adminHost, port: config.adminPort })
      joinFleet(adminUrl)
      return { tracking: trackingUrl, admin: adminUrl }
    },
    joinFleet,
    firstKey: sources.fleet?.config.firstKey,
    topicProblems: destinations.routing.startProblems,
    reload() {
      if (stopping !== undefined) return
      sources.keys.check()
      ingestion.governance.check()
      base.live.check()
    },
    backlogBytes: () => destinations.sink.levels().backlog,
    debugger: debug,
    restoreIds: ingestion.ids.restore,
    readMetrics: () => metrics.registry.getMetricsAsJSON(),
    close: () => (stopping ??= stop())
  }
}
