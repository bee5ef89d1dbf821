import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config/env/config.ts'
import { createBodyBudget } from '../../http/body/body-budget.ts'
import { registerBrowserScript } from '../../http/browser/browser-script.ts'
import { registerSettings } from '../../http/browser/settings.ts'
import { registerPixel } from '../../http/pixel/pixel.ts'
import { shedLoad } from '../../http/server/pressure.ts'
import { createServer, DEFAULT_TIMEOUTS } from '../../http/server/server.ts'
import { traceRequests, type BeginTrace } from '../../http/server/traces.ts'
import { pathLabel } from '../../http/server/unrouted.ts'
import { registerSdkTelemetry } from '../../http/tracking/sdk-telemetry.ts'
import { registerTracking } from '../../http/tracking/tracking.ts'
import { MAX_KEPT_BODY_BYTES } from '../../ingest/pipeline/refused-body-store.ts'
import type { Base } from './base.ts'
import type { Ingestion } from './ingestion.ts'
import { createRefusals } from './refusals.ts'
import type { Sources } from './sources.ts'
import { openTracing } from './traces.ts'

/** Creates the listener of the tracking API with all its routes. Register a new route here. */
export async function openTracking(base: Base, sources: Sources, ingestion: Ingestion) {
  const { config, metrics, clock, bufferPool } = base
  const tracing = await openTracing(base)
  const server = await createTrackingServer(base, sources, tracing?.begin)
  const options = { authenticator: sources.authenticator, onRefused: createRefusals(base, ingestion) }
  const budget = createBodyBudget()
  const eventOptions = {
    ...options,
    pipeline: ingestion.pipeline,
    limits: config.limits,
    onBytes: metrics.bodyRead,
    keepTraceparent: config.kafka?.headers.includes('traceparent') === true,
    budget,
    bufferPool,
    workQueue: ingestion.workQueue
  }
  registerTracking(server, { ...eventOptions, ...bodyRules(config) })
  registerPixel(server, { ...eventOptions, now: clock.now, keptAddress: ingestion.governance.keptAddress })
  registerSettings(server, {
    ...options,
    publicUrl: config.publicUrl,
    destinations: () => sources.keys.current().destinations
  })
  registerSdkTelemetry(server)
  sources.oauth.register(server, budget)
  await registerBrowserScript(server, options)
  return { server, budget, closeTraces: async () => tracing?.close() }
}

async function createTrackingServer(
  { config, logger, metrics }: Base,
  { keys, oauth }: Sources,
  beginTrace: BeginTrace | undefined
): Promise<FastifyInstance> {
  const server = await createServer({
    logger,
    trustProxy: config.trustProxy,
    cors: { origins: config.corsOrigins, sources: keys.sources },
    tls: config.tls,
    connections: { ...config, onRefused: metrics.connectionRefused },
    timeouts: { ...DEFAULT_TIMEOUTS, idle: config.keepAliveTimeoutMs }
  })
  traceRequests(server, beginTrace)
  await shedLoad(server, () => metrics.requestRefused('overloaded'))
  oauth.check.watch(server)
  server.addHook('onResponse', (request, reply, done) => {
    metrics.requestEnded(pathLabel(request), reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
  return server
}

/** The settings for bodies that do not follow the contract. */
function bodyRules({ validation, limits, refusedBytesPerHour }: Config) {
  const keepBytes = refusedBytesPerHour === 0 ? undefined : Math.min(limits.maxBatchBytes, MAX_KEPT_BODY_BYTES)
  return { isLenient: validation === 'compatible', keepBytes }
}
