/** Runs sample events through the code of requests before the server listens: see docs/decisions/start.md. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { createObservations } from '../../debugger/ring/observations.ts'
import { createAuthenticator } from '../../http/caller/authenticate.ts'
import { createWorkQueue } from '../../http/tracking/work-queue.ts'
import { createDedupe } from '../../ingest/dedupe/dedupe.ts'
import { HashIdWindow } from '../../ingest/dedupe/id-window.ts'
import { RecyclingBufferPool } from '../../ingest/enrich/buffer-pool.ts'
import { createJudge } from '../../ingest/judge/judge.ts'
import { createPipeline } from '../../ingest/pipeline/pipeline.ts'
import { createRateLimiter } from '../../ingest/pipeline/rate-limit.ts'
import type { Sink } from '../../model/sink.ts'
import type { Source } from '../../model/source.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import type { Base } from '../parts/base.ts'
import type { Destinations } from '../parts/destinations.ts'
import type { Ingestion } from '../parts/ingestion.ts'
import type { Sources } from '../parts/sources.ts'
import { openTracking } from '../parts/tracking.ts'
import type { SampleBounds } from './send-samples.ts'
import { sendSamples } from './send-samples.ts'

/**
 * V8's second compiler compiles a function after 400 calls, and its third after 1,000 (docs/decisions/garbage.md). The duration is
 * for a machine that is slow or has much to do.
 */
const BOUNDS: SampleBounds = { singles: 600, batches: 12, milliseconds: 250 }
/** More than the samples have. */
const MAX_IDS = 10_000

export interface WarmUpParts {
  readonly base: Base
  readonly sources: Sources
  readonly destinations: Destinations
  readonly ingestion: Ingestion
}

/**
 * Sends sample events over a connection to a server in this process that is built like the tracking API, but has its own key,
 * counters, dedupe, debugger and sink: nothing of it is stored, counted or shown. Never rejects, because a server without a
 * warm-up works too.
 *
 * @returns the number of requests that were accepted
 */
export async function warmUp(parts: WarmUpParts, bounds = BOUNDS): Promise<number> {
  try {
    return await run(parts, bounds)
  } catch (error) {
    parts.base.logger.debug({ problem: (error as Error).message }, 'no warm-up')
    return 0
  }
}

async function run({ base, sources, destinations, ingestion }: WarmUpParts, bounds: SampleBounds): Promise<number> {
  const { config, clock } = base
  const writeKey = randomBytes(16).toString('hex')
  const own: Base = {
    ...base,
    config: { ...config, tls: undefined, traces: undefined },
    logger: base.logger.child({}, { level: 'silent' }),
    bufferPool: new RecyclingBufferPool(),
    metrics: createMetrics(() => undefined),
    seen: createObservations(clock.now)
  }
  const keys = { ...sources.keys, ...onlyKey(writeKey) }
  const authenticator = createAuthenticator({ keys, monotonic: clock.monotonic })
  const workQueue = createWorkQueue()
  const pipeline = createPipeline({
    pause: workQueue.pause,
    judge: createJudge({ validator: ingestion.validator, limits: config.limits, usePatterns: config.usePatterns }),
    dedupe: createDedupe(() => new HashIdWindow({ ...config.dedup, maxIds: MAX_IDS, clock, seed: [0, 0] })),
    router: destinations.routing.current,
    sink: NOWHERE,
    ledger: own.metrics,
    observe: own.seen.recent.observe,
    rateLimiter: createRateLimiter({ clock, maxBatchEvents: config.limits.maxBatchEvents }),
    clock,
    bufferPool: own.bufferPool,
    partialStatus: config.batchPartialStatus
  })
  const { server } = await openTracking(own, { ...sources, keys, authenticator }, { ...ingestion, pipeline, workQueue })
  try {
    await server.ready()
    return await sendSamples({ port: await listen(server.server), writeKey }, bounds)
  } finally {
    await server.close()
  }
}

function onlyKey(writeKey: string): Pick<Sources['keys'], 'find' | 'sources'> {
  const source: Source = { id: 'warm-up', name: '', enabled: true, allowedOrigins: undefined, rateLimit: undefined }
  const all = [source]
  return { find: sent => (sent === writeKey ? source : undefined), sources: () => all }
}

/** Stores nothing. */
const NOWHERE: Sink = {
  publish: records =>
    new Promise(resolve => {
      setImmediate(resolve, { marks: records.map((_, index) => index), read: () => [], released: true })
    }),
  health: () => ({ ready: true, problems: [] }),
  close: async () => undefined
}

/** Only this process knows the port and the key. @returns the port */
async function listen(server: Server): Promise<number> {
  // Exclusive, because a worker would otherwise ask the primary for the port.
  server.listen({ host: '127.0.0.1', port: 0, exclusive: true })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
