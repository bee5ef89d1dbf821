/** The composition root: creates every part of the server in order and passes each what it needs. Only this file knows all parts. */
import type { FastifyInstance } from 'fastify'
import type { Debugger } from '../debugger/debugger.ts'
import { createDrainer } from '../http/server/drain.ts'
import type { IdStore } from '../ingest/dedupe/id-store.ts'
import { selfFacts } from './parts/fleet.ts'
import { openAdmin, addDebugger, addHealthRoutes } from './parts/admin.ts'
import type { AppOptions } from './parts/base.ts'
import { createBase } from './parts/base.ts'
import { openDestinations } from './parts/destinations.ts'
import { watchDisk } from './parts/disk.ts'
import { registerGauges } from './parts/gauges.ts'
import { openIngestion } from './parts/ingestion.ts'
import { openSources } from './parts/sources.ts'
import { openTracking } from './parts/tracking.ts'

/** The share of SHUTDOWN_GRACE for requests in flight; the rest is for making their events durable. */
const REQUESTS_SHARE_OF_GRACE = 0.6
/** How long an idle connection stays open for a request that its client has already sent. */
const QUIET_MS = 1_000

export interface App {
  readonly tracking: FastifyInstance
  readonly admin: FastifyInstance
  /** Binds both listeners, and returns their URLs. */
  listen(): Promise<{ readonly tracking: string; readonly admin: string }>
  /** Announces this server to the fleet. listen() calls it. */
  joinFleet(adminUrl: string): void
  /** The write key of the fleet's only source, if this server has created it. */
  readonly firstKey: string | undefined
  /** Asks Kafka about the topics. Resolves with one line for each refused topic; with none if Kafka cannot be reached. */
  topicProblems(): Promise<readonly string[]>
  /** Reads tributary.yml and the certificate again now. A file that cannot be used is logged and changes nothing. */
  reload(): void
  /** Bytes in the spool that Kafka has not confirmed. */
  backlogBytes(): number
  /** The debugger, whose live stream a primary uses. */
  readonly debugger: Debugger
  /** Remembers messageIds that became durable in another process. */
  readonly restoreIds: IdStore['restore']
  /** All metrics, as the metrics library merges them. */
  readMetrics(): Promise<readonly object[]>
  /** Stops accepting requests, answers those in flight and makes their events durable. Safe to call twice. */
  close(): Promise<void>
}

/** Builds the server without listening. Rejects with ConfigError or a readable Error if the configuration cannot be used. */
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
  addHealthRoutes(admin, base, shown)
  const debug = await addDebugger(admin, base, shown)
  registerGauges(base, { ...shown, tracking, watchers: debug.watchers, draining: () => drainer.draining })
  // Last, because an edit of tributary.yml affects all parts.
  sources.keys.follow(ingestion.governance.approve(destinations.routing))

  async function stop(): Promise<void> {
    const deadlineMs = config.shutdownGraceMs * REQUESTS_SHARE_OF_GRACE
    await drainer.drain({ quietMs: Math.min(QUIET_MS, deadlineMs), deadlineMs })
    await tracking.server.close()
    await ingestion.violationEvents?.close()
    // All requests are answered, so their spans have ended: both shares of the grace run at once.
    await Promise.all([destinations.sink.close(), tracking.closeTraces()])
    await Promise.all([ingestion.close(), sources.keys.close()])
    await sources.fleet?.close()
    base.live.close()
    await admin.close()
  }

  const joinFleet = (adminUrl: string): void =>
    sources.fleet?.join(() => selfFacts(config, destinations.sink, adminUrl))

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
