/** The admin listener of a server with workers: health, metrics and the debugger, merged over all workers. */
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createAccess } from '../../debugger/access/access.ts'
import { registerAudit } from '../../debugger/api/audited-routes.ts'
import { openEventStream } from '../../debugger/live/event-stream.ts'
import { FILTERS } from '../../debugger/api/api-events.ts'
import { parseFilter } from '../../debugger/ring/filter.ts'
import { registerHealth } from '../../debugger/health.ts'
import { registerPage } from '../../debugger/page/page-routes.ts'
import { queryOf, wholeNumber } from '../../debugger/query.ts'
import { ADMIN_PATH_RULES, createAdminServer } from '../../debugger/admin-server.ts'
import type { Config } from '../../config/env/config.ts'
import { healthOfAll, kafkaOfAll } from '../../fleet/workers/health.ts'
import type { Slot } from '../../fleet/workers/slot.ts'
import type { Supervisor } from '../../fleet/workers/supervisor.ts'
import type { Feed } from '../../fleet/workers/view/feed.ts'
import { registerView } from '../../fleet/workers/view/routes.ts'
import { prepareListener } from '../../http/server/listener.ts'
import { answerUnrouted } from '../../http/server/unrouted.ts'
import { systemClock } from '../../model/clock.ts'
import { createAudit, recentAudit } from '../../telemetry/audit.ts'
import type { GroupMetrics, WorkerReading } from '../../telemetry/group-metrics.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import { followSettings } from '../settings/live-settings.ts'
import type { DiskWatch } from '../parts/disk.ts'
import { watchDisk } from '../parts/disk.ts'
import { readBacklogOnDisk } from './backlog-on-disk.ts'
import { registerMergedOverview } from './primary-overview.ts'

/** How often the workers' metrics are read. Those of a worker that hangs may be this old; what a killed one counted since is lost. */
const READ_MS = 1_000
const PACKAGE_FILE = new URL('../../../package.json', import.meta.url)

export interface PrimaryAdminOptions {
  readonly supervisor: Supervisor
  readonly metrics: GroupMetrics
  readonly feed: Feed
  readonly logger: Logger
}

export interface PrimaryAdmin {
  readonly server: FastifyInstance
  /** Reads the certificate and the password again now. */
  reload(): void
  close(): Promise<void>
}

/** Creates the listener without binding it. */
export async function createPrimaryAdmin(config: Config, options: PrimaryAdminOptions): Promise<PrimaryAdmin> {
  const { supervisor, metrics, feed, logger } = options
  const { slots } = supervisor
  const { tls, trustProxy, keepAliveTimeoutMs } = config
  const server = await createAdminServer({ logger, tls })
  prepareListener(server, { trustProxy, idleMs: keepAliveTimeoutMs })
  answerUnrouted(server, ADMIN_PATH_RULES)
  // Workers watch the files for Kafka themselves.
  const live = followSettings({ ...config, kafka: undefined }, logger)
  live.follow([server.server])
  registerHealth(server, {
    health: () => healthOfAll(slots),
    draining: () => supervisor.isStopping,
    kafka: () => kafkaOfAll(slots),
    metricsText: () => readMetrics(config, metrics, slots),
    metricsType: metrics.contentType
  })
  const reading = setInterval(() => slots.forEach(slot => void readWorker(metrics, slot)), READ_MS).unref()
  const disk = await watchDisk(config, server)
  await registerDebugger(server, { config, live, disk }, options)
  server.addHook('preClose', async () => feed.close())
  return {
    server,
    reload: () => live.check(),
    async close() {
      clearInterval(reading)
      live.close()
      await server.close()
    }
  }
}

/** The metrics of all workers as text. The numbers of a worker that does not answer are its last ones; its backlog is read from the disk. */
async function readMetrics(config: Config, metrics: GroupMetrics, slots: readonly Slot[]): Promise<string> {
  const readings = await Promise.all(slots.map(slot => readWorker(metrics, slot)))
  const answered = readings.filter(({ hasAnswered }) => hasAnswered).map(({ index }) => index)
  const onDisk = await readBacklogOnDisk(config, new Set(answered)).catch(() => undefined)
  return await metrics.text(readings, onDisk)
}

/** Requests a worker's metrics. If it does not answer, its last ones are used. */
async function readWorker(metrics: GroupMetrics, slot: Slot): Promise<WorkerReading> {
  const { index, restarts } = slot
  // A worker that stops answers until it ends.
  const mayAnswer = slot.state === 'listening' || slot.state === 'stopping'
  const answer = mayAnswer ? await slot.ipc.ask({ kind: 'metrics' }).catch(() => undefined) : undefined
  const hasAnswered = answer !== undefined
  if (hasAnswered) metrics.heard(index, answer as readonly object[])
  return { index, hasAnswered, isUp: hasAnswered && slot.state === 'listening', restarts }
}

/** Registers the debugger with the same page, access and API as a server without workers has. */
async function registerDebugger(
  server: FastifyInstance,
  { config, live, disk }: { readonly config: Config; readonly live: LiveSettings; readonly disk: DiskWatch },
  options: PrimaryAdminOptions
): Promise<void> {
  const { supervisor, feed, logger } = options
  const { monotonic, now } = systemClock
  const { adminHost: host, dataDir } = config
  const audit = createAudit({ dataDir, now, log: logger })
  const access = await createAccess(server, { password: live.adminPassword, host, monotonic, audit })
  await registerPage(server, access)
  await server.register(async api => {
    api.addHook('onRequest', async (request, reply) => access.api(request, reply))
    registerAudit(api, { audit, who: access.who, recent: () => recentAudit(dataDir) })
    registerMergedOverview(api, {
      supervisor,
      spoolMaxBytes: config.spoolMaxBytes,
      backlogOnDisk: answered => readBacklogOnDisk(config, answered).catch(() => new Map<number, number>()),
      destination: config.kafka
        ? `Kafka (${config.kafka.brokers.join(', ')})`
        : `the logs in ${config.dataDir}/worker-*`,
      version: (JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { version: string }).version,
      hasPassword: access.mode === 'password',
      disk
    })
    registerStream(api, feed)
    registerView(api, { slots: supervisor.slots, trackingUrl: hostname => urlOf(supervisor.url, hostname, config) })
  })
}

function registerStream(api: FastifyInstance, feed: Feed): void {
  api.get('/api/stream', async (request, reply) => {
    const { after, ...filters } = queryOf(request, [...FILTERS, 'after'])
    // Refuses an invalid filter here, as a worker would.
    parseFilter(filters)
    const query = String(new URLSearchParams(filters as Record<string, string>))
    const from = wholeNumber(String(request.headers['last-event-id'] ?? after ?? ''))
    const watch = (watcher: Parameters<Feed['watch']>[0]): (() => void) => feed.watch(watcher, { query, after: from })
    openEventStream(request, reply, { live: { ...feed, watch }, matches: () => true, from: 0 })
  })
}

/** The tracking API's URL for a client that reached this machine by `hostname`. */
function urlOf(tracking: string, hostname: string, { publicUrl }: Config): string {
  if (publicUrl !== undefined) return publicUrl
  const url = new URL(tracking)
  return `${url.protocol}//${hostname}:${url.port}`
}
