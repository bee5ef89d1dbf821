/**
 * The composition root: the whole house in the order in which an event walks through it. Nothing else knows every room.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { registerDebugger } from '../debugger/debugger.ts'
import { registerHealth } from '../debugger/health.ts'
import type { Observations } from '../debugger/ring/observations.ts'
import { createObservations } from '../debugger/ring/observations.ts'
import { ADMIN_PATH_RULES, createAdminServer } from '../debugger/admin-server.ts'
import type { Finders } from '../debugger/api/trace.ts'
import type { Config } from '../config/env/config.ts'
import { parseTributaryFile } from '../config/file/tributary-file.ts'
import { loadContract } from '../contract/document.ts'
import { openIdStore } from '../ingest/dedupe/id-store.ts'
import { createAuthenticator } from '../http/caller/authenticate.ts'
import { registerBrowserScript } from '../http/browser/browser-script.ts'
import { createBodyBudget } from '../http/body/body-budget.ts'
import { followCertificate } from '../http/server/certificate.ts'
import { createDrainer } from '../http/server/drain.ts'
import { registerPixel } from '../http/pixel/pixel.ts'
import { registerSdkTelemetry } from '../http/tracking/sdk-telemetry.ts'
import { prepareListener } from '../http/server/listener.ts'
import { shedLoad } from '../http/server/pressure.ts'
import { postToSelf } from '../client/self-request.ts'
import { createServer, DEFAULT_TIMEOUTS } from '../http/server/server.ts'
import { registerSettings } from '../http/browser/settings.ts'
import { registerTracking } from '../http/tracking/tracking.ts'
import { createWorkQueue } from '../http/tracking/work-queue.ts'
import { answerUnrouted, pathLabel } from '../http/server/unrouted.ts'
import { MAX_KEPT_BODY_BYTES } from '../ingest/pipeline/body-keeper.ts'
import { createDedupe } from '../ingest/dedupe/dedupe.ts'
import { createJudge } from '../ingest/judge/judge.ts'
import type { BufferPool } from '../ingest/enrich/buffer-pool.ts'
import { RecyclingBufferPool } from '../ingest/enrich/buffer-pool.ts'
import { createPipeline } from '../ingest/pipeline/pipeline.ts'
import { createRateLimiter } from '../ingest/pipeline/rate-limit.ts'
import { createLiveRouter } from '../ingest/route/live-router.ts'
import { restoreRecord } from '../ingest/route/restore.ts'
import { createValidator } from '../ingest/judge/validate.ts'
import { openGovernance } from '../governance/open.ts'
import { kafkaOptions } from './kafka-options.ts'
import { createFileKeyStore } from '../keys/store/file-key-store.ts'
import { createBackground } from '../model/background.ts'
import type { Clock } from '../model/clock.ts'
import { systemClock } from '../model/clock.ts'
import type { Sink } from '../model/sink.ts'
import type { FindersOptions } from '../durability/search/find.ts'
import { createFinders } from '../durability/search/find.ts'
import type { OpenSink, SinkOptions } from '../durability/open.ts'
import { asOpenSink, openSink } from '../durability/open.ts'
import { createMetrics, METRICS } from '../telemetry/metrics.ts'

const CONTRACT_FILE = new URL('../../openapi.yml', import.meta.url)
const PACKAGE_FILE = new URL('../../package.json', import.meta.url)
/** Beside what Node keeps of the code, see start.js. */
const CACHE_DIR = new URL('../../node_modules/.cache/tributary/', import.meta.url)

/** Of SHUTDOWN_GRACE, what requests under way may take; the rest is for what they carry. */
const REQUESTS_SHARE_OF_GRACE = 0.6
/** So long an idle connection stays open for a request that its client has sent already. */
const QUIET_MS = 1_000

export interface AppOptions {
  readonly config: Config
  readonly logger: Logger
  /** In place of the one that the configuration names: for tests. */
  readonly sink?: Sink
  readonly clock?: Clock
  readonly bufferPool?: BufferPool
}

export interface App {
  readonly tracking: FastifyInstance
  readonly admin: FastifyInstance
  /** Binds both listeners; the addresses are URLs. */
  listen(): Promise<{ readonly tracking: string; readonly admin: string }>
  /** Resolves once Kafka was asked, or cannot be: one line for each topic that it refuses as it is configured. */
  topicProblems(): Promise<readonly string[]>
  /** Reads tributary.yml and the certificate again now; what cannot be used is said in the log, and changes nothing. */
  reload(): void
  /** Bytes in the spool that Kafka has not confirmed. */
  backlogBytes(): number
  /** All metrics, as the metrics library merges them. */
  readMetrics(): Promise<readonly object[]>
  /** Takes no more requests, finishes those under way, makes what they carry durable. Safe to call twice. */
  close(): Promise<void>
}

/** Builds the server without listening. Throws ConfigError, or an Error in words, where it cannot run as configured. */
export async function createApp(options: AppOptions): Promise<App> {
  const { config, logger, sink: givenSink, clock = systemClock, bufferPool = new RecyclingBufferPool() } = options
  const metrics = createMetrics()
  const seen = createObservations(clock.now)

  // Who is calling
  const keys = await createFileKeyStore({ file: config.configFile, parse: parseTributaryFile, log: logger })
  const authenticator = createAuthenticator({ keys, monotonic: clock.monotonic })

  // Where events go
  const routing = createLiveRouter(keys.current(), {
    topics: config,
    refusedTopics: (names, timeoutMs) => sink.refusedTopics(names, timeoutMs),
    onTopics: names => sink.ensureTopics(names),
    onRefused: problems =>
      logger.error({ file: config.configFile, problems }, 'Kafka refuses topics: the config file in force stays')
  })
  const knownTopics = (): readonly string[] => routing.current().knownTopics(keys.sources())
  const sink = givenSink === undefined ? await openSink(sinkOptions()) : asOpenSink(givenSink)
  function sinkOptions(): SinkOptions {
    return {
      ...config,
      kafka: config.kafka === undefined ? undefined : kafkaOptions(config, config.kafka),
      topics: knownTopics(),
      drainMs: config.drainOnStopMs,
      retention: { ageMs: config.logRetention.maxAgeMs, bytes: config.logRetention.maxBytes },
      restore: line => restoreRecord(line, routing.current()),
      clock,
      log: logger,
      onWrite(name, write) {
        metrics.published(name, write)
        seen.published(write.milliseconds)
      },
      onRelayed: metrics.relayed
    }
  }

  // What happens in between
  const contract = loadContract(CONTRACT_FILE.pathname, CACHE_DIR.pathname)
  const validator = createValidator({ contract, mode: config.validation, limits: config.limits })
  const ids = await openIdStore({ ...config.dedup, dir: join(config.dataDir, 'dedupe'), clock, log: logger })
  const workQueue = createWorkQueue()
  const governance = openGovernance({ configFile: config.configFile, current: keys.current, clock, log: logger })
  const pipeline = createPipeline({
    pause: workQueue.pause,
    judge: createJudge({ validator, limits: config.limits }),
    dedupe: createDedupe(ids.windowOf),
    governance: governance.rules,
    router: routing.current,
    sink,
    ledger: metrics,
    observe: seen.recent.observe,
    rateLimiter: createRateLimiter({ clock, maxBatchEvents: config.limits.maxBatchEvents }),
    refusedBytesPerHour: config.refusedBytesPerHour,
    clock,
    bufferPool,
    partialStatus: config.batchPartialStatus
  })

  // The doors
  const tracking = await createServer({
    logger,
    trustProxy: config.trustProxy,
    cors: { origins: config.corsOrigins, sources: keys.sources },
    tls: config.tls,
    connections: { ...config, onRefused: metrics.connectionRefused },
    timeouts: { ...DEFAULT_TIMEOUTS, idle: config.keepAliveTimeoutMs }
  })
  await shedLoad(tracking, () => metrics.requestRefused('overloaded'))
  tracking.addHook('onResponse', (request, reply, done) => {
    metrics.requestEnded(pathLabel(request), reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
  const routeOptions = { authenticator, onRefused }
  function onRefused(code: string, request?: FastifyRequest): void {
    metrics.requestRefused(code)
    if (request === undefined) return
    const client = request.headers['user-agent'] ?? ''
    seen.requestRefused({ code, path: request.url, address: request.clientAddress, client })
  }
  const budget = createBodyBudget()
  const trackingOptions = {
    ...routeOptions,
    pipeline,
    limits: config.limits,
    onBytes: metrics.bodyRead,
    budget,
    bufferPool,
    workQueue
  }
  registerTracking(tracking, { ...trackingOptions, ...bodyRules(config) })
  registerPixel(tracking, { ...trackingOptions, now: clock.now })
  registerSettings(tracking, { ...routeOptions, publicUrl: config.publicUrl })
  registerSdkTelemetry(tracking)
  await registerBrowserScript(tracking, routeOptions)

  const drainer = createDrainer(tracking)
  const admin = await createAdmin(config, logger)
  const servers = [tracking.server, admin.server]
  const following = config.tls && followCertificate({ certificate: config.tls, servers, log: logger })
  registerHealth(admin, {
    health: () => sink.health(),
    draining: () => drainer.draining,
    metricsText: () => metrics.registry.metrics(),
    metricsType: metrics.registry.contentType
  })
  measureSink(metrics, sink, () => drainer.draining)
  metrics.gauge(METRICS.dedupeIds, () => ids.sizes().map(([source, size]) => [{ source }, size]))
  metrics.gauge(METRICS.heldBodyBytes, () => [[{}, budget.held]])
  metrics.gauge(METRICS.openConnections, () => [[{}, openConnections(tracking)]])

  const background = createBackground()
  const { watchers } = await registerDebugger(admin, {
    seen,
    password: config.adminPassword,
    host: config.adminHost,
    knownKeys: { isKey: text => keys.find(text) !== undefined, lengths: keys.keyLengths, version: keys.current },
    probe: () => ({
      health: sink.health(),
      draining: drainer.draining,
      backlog: config.kafka && { bytes: sink.levels().backlog, maxBytes: config.spoolMaxBytes },
      dedupe: { ids: Math.max(0, ...ids.sizes().map(([, size]) => size)), maxIds: config.dedup.maxIds }
    }),
    finders: findersOf(config, { topics: knownTopics, now: clock.now, background }),
    background,
    destination: config.kafka ? `Kafka (${config.kafka.brokers.join(', ')})` : `the log in ${config.dataDir}`,
    version: (JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { version: string }).version,
    sources: keys.sources,
    writeKeys: keys.sourceKeys,
    sendEvent: (writeKey, type, event) => postToSelf(tracking, { path: `/v1/${type}`, writeKey, body: event }),
    trackingUrl: hostname => config.publicUrl ?? urlOf(tracking, hostname, config),
    suppressions: governance.suppressions,
    clock
  })
  measureBounds(metrics, config)
  measureDebugger(metrics, seen, watchers)

  // Not before all that an edit is about is there
  keys.follow(routing)

  let closing: Promise<void> | undefined
  return {
    tracking,
    admin,
    async listen() {
      const trackingUrl = await tracking.listen({ host: config.host, port: config.port })
      const adminUrl = await admin.listen({ host: config.adminHost, port: config.adminPort })
      return { tracking: trackingUrl, admin: adminUrl }
    },
    topicProblems: routing.startProblems,
    reload() {
      if (closing !== undefined) return
      keys.check()
      following?.check()
    },
    backlogBytes: () => sink.levels().backlog,
    readMetrics: () => metrics.registry.getMetricsAsJSON(),
    close() {
      closing ??= (async () => {
        const deadlineMs = config.shutdownGraceMs * REQUESTS_SHARE_OF_GRACE
        await drainer.drain({ quietMs: Math.min(QUIET_MS, deadlineMs), deadlineMs })
        await tracking.close()
        await sink.close()
        await Promise.all([ids.close(), keys.close(), governance.close()])
        following?.close()
        await admin.close()
      })()
      return closing
    }
  }
}

function measureSink(metrics: ReturnType<typeof createMetrics>, sink: OpenSink, draining: () => boolean): void {
  metrics.gauge(METRICS.ready, () => [[{}, sink.health().ready && !draining() ? 1 : 0]])
  metrics.gauge(METRICS.queueBytes, () => byLabel('sink', sink.levels().queued))
  metrics.gauge(METRICS.logBytes, () => byLabel('log', sink.levels().disk))
  metrics.gauge(METRICS.backlogBytes, () => [[{}, sink.levels().backlog]])
  metrics.gauge(METRICS.lateLanes, () => [[{}, sink.levels().lanes?.late ?? 0]])
  metrics.gauge(METRICS.laneMaxBytes, () => [[{}, sink.levels().lanes?.maxBytes ?? 0]])
  metrics.gauge(METRICS.kafkaThrottle, () => [[{}, (sink.levels().lanes?.throttledMs ?? 0) / 1000]])
}

function measureBounds(metrics: ReturnType<typeof createMetrics>, { spoolMaxBytes, dedup }: Config): void {
  metrics.gauge(METRICS.spoolMaxBytes, () => [[{}, spoolMaxBytes]])
  metrics.gauge(METRICS.dedupeMaxIds, () => [[{}, dedup.maxIds]])
}

function measureDebugger(
  metrics: ReturnType<typeof createMetrics>,
  { recent }: Observations,
  watchers: () => number
): void {
  metrics.gauge(METRICS.debuggerEvents, () => [[{}, recent.usage().events]])
  metrics.gauge(METRICS.debuggerBytes, () => [[{}, recent.usage().bytes]])
  metrics.gauge(METRICS.debuggerWatchers, () => [[{}, watchers()]])
}

/** What the routes do with a body that is not as the contract has it. */
function bodyRules({ validation, limits, refusedBytesPerHour }: Config) {
  const keepBytes = refusedBytesPerHour === 0 ? undefined : Math.min(limits.maxBatchBytes, MAX_KEPT_BODY_BYTES)
  return { isLenient: validation === 'compatible', keepBytes }
}

function findersOf(config: Config, more: Pick<FindersOptions, 'topics' | 'now' | 'background'>): Finders {
  const kafka = config.kafka && kafkaOptions(config, config.kafka)
  return createFinders({ dataDir: config.dataDir, kafka, ...more })
}

/** The second listener; what it refuses, it answers as the first one does. */
async function createAdmin({ trustProxy, tls, keepAliveTimeoutMs }: Config, logger: Logger): Promise<FastifyInstance> {
  const admin = await createAdminServer({ logger, tls })
  prepareListener(admin, { trustProxy, idleMs: keepAliveTimeoutMs })
  answerUnrouted(admin, ADMIN_PATH_RULES)
  return admin
}

/** The tracking API's URL for somebody who reached this machine by `hostname`. */
function urlOf(tracking: FastifyInstance, hostname: string, { port, tls }: Config): string {
  const bound = tracking.server.address()
  const actual = typeof bound === 'object' && bound !== null ? bound.port : port
  return `${tls === undefined ? 'http' : 'https'}://${hostname}:${actual}`
}

function byLabel(label: string, values: Partial<Record<string, number>> = {}): [Record<string, string>, number][] {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value ?? 0])
}

function openConnections(app: FastifyInstance): number {
  return (app.server as unknown as { _connections: number })._connections
}
