/**
 * Tributary without its HTTP routes: a bare node:http server in front of the pipeline and the sink, as the real server
 * sets them up, with counters and the debugger. It has no Fastify, no keys, no CORS, and no limits for clients:
 * pipeline.ts <port> <folder> [topic, broker]. Without a topic, it uses the event log.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { createObservations } from '../../src/debugger/ring/observations.ts'
import { loadContract } from '../../src/contract/document.ts'
import { openIdStore } from '../../src/ingest/dedupe/id-store.ts'
import { createWorkQueue } from '../../src/http/tracking/work-queue.ts'
import { parseBody } from '../../src/ingest/parse/body.ts'
import { createDedupe } from '../../src/ingest/dedupe/dedupe.ts'
import type { Endpoint } from '../../src/ingest/judge/judge.ts'
import { createJudge } from '../../src/ingest/judge/judge.ts'
import { RecyclingBufferPool } from '../../src/ingest/enrich/buffer-pool.ts'
import { createPipeline } from '../../src/ingest/pipeline/pipeline.ts'
import { createRateLimiter } from '../../src/ingest/pipeline/rate-limit.ts'
import { createRestore } from '../../src/ingest/route/restore.ts'
import { createRouter } from '../../src/ingest/route/route.ts'
import { createValidator } from '../../src/ingest/judge/validate.ts'
import { systemClock as clock } from '../../src/model/clock.ts'
import { DEFAULT_LIMITS as limits } from '../../src/model/limits.ts'
import type { Source } from '../../src/model/source.ts'
import { openSink } from '../../src/durability/open.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { MOST_KEPT_MIB } from './keep.ts'

/** The default configuration. */
const KAFKA = { clientId: 'tributary', topics: { create: true, partitions: 6 }, publishTimeoutMs: 750 }

const [port, dir = '', eventsTopic = 'events', broker] = process.argv.slice(2)
const log = { info: () => undefined, warn: console.error, error: console.error }
const metrics = createMetrics()
const seen = createObservations(clock.now)
const router = createRouter({ eventsTopic, rejectedTopic: `${eventsTopic}-rejected`, destinations: [] })
const sink = await openSink({
  dataDir: dir,
  kafka: broker === undefined ? undefined : { ...KAFKA, brokers: [broker] },
  topics: [eventsTopic],
  drainMs: 0,
  inFlightMs: 0,
  spoolMaxBytes: MOST_KEPT_MIB * 1024 ** 2,
  retention: { bytes: MOST_KEPT_MIB * 1024 ** 2 },
  restorer: () => createRestore(router),
  clock,
  log,
  onWrite(name, write) {
    metrics.published(name, write)
    seen.published(write.milliseconds)
  },
  onRelayed: metrics.relayed
})

const contract = loadContract(new URL('../../openapi.yml', import.meta.url).pathname)
const ids = await openIdStore({ dir: join(dir, 'dedupe'), maxIds: 2_000_000, windowMs: 86_400_000, clock, log })
const pipeline = createPipeline({
  pause: createWorkQueue().pause,
  judge: createJudge({ validator: createValidator({ contract, mode: 'compatible' }), limits }),
  dedupe: createDedupe(ids.windowOf),
  router: () => router,
  sink,
  ledger: metrics,
  observe: seen.recent.observe,
  rateLimiter: createRateLimiter({ clock, maxBatchEvents: limits.maxBatchEvents }),
  clock,
  bufferPool: new RecyclingBufferPool(),
  partialStatus: 400
})
const source: Source = { id: 'bench', name: 'bench', enabled: true, allowedOrigins: undefined, rateLimit: undefined }
const BATCH: Endpoint = { kind: 'batch' }
const ENDPOINTS: Record<string, Endpoint> = { '/v1/track': { kind: 'single', type: 'track' } }

async function answer({ url = '' }: IncomingMessage, bytes: Buffer, response: ServerResponse): Promise<void> {
  const endpoint = ENDPOINTS[url] ?? BATCH
  const parsed = parseBody(bytes, { endpoint: endpoint.kind, limits })
  if (!parsed.ok) throw new Error(parsed.fault.message)
  const request = { body: parsed.body, endpoint, path: url, source, writeKey: 'wk_bench', address: '127.0.0.1' }
  const { status, body } = await pipeline.ingest(request)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => void answer(request, Buffer.concat(chunks), response))
})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
