/**
 * npm run bench:steps: the cost of each step for an event, so that a regression can be located. It prints the CPU
 * microseconds of this process in the best of several rounds, because other work on the machine can only add time. `--
 * --save` appends a row to bench/results.md; `-- --events 1` measures single events instead of batches of 100.
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { IncomingMessage } from 'node:http'
import { isbot } from 'isbot'
import { loadContract } from '../src/contract/document.ts'
import { HashIdWindow } from '../src/ingest/dedupe/id-window.ts'
import { createObservations } from '../src/debugger/ring/observations.ts'
import { createBodyBudget } from '../src/http/body/body-budget.ts'
import { readBody } from '../src/http/body/body-guard.ts'
import { createWorkQueue } from '../src/http/tracking/work-queue.ts'
import type { ParsedBody } from '../src/ingest/parse/body.ts'
import { parseBody } from '../src/ingest/parse/body.ts'
import { createDedupe } from '../src/ingest/dedupe/dedupe.ts'
import { createFacts, EventEncoder } from '../src/ingest/enrich/encode.ts'
import { EventEntry } from '../src/ingest/pipeline/entry.ts'
import type { GoodEvent } from '../src/ingest/judge/good-event.ts'
import { createJudge, judgeEvent } from '../src/ingest/judge/judge.ts'
import { LineWriter } from '../src/ingest/enrich/line-writer.ts'
import { RecyclingBufferPool } from '../src/ingest/enrich/buffer-pool.ts'
import { JudgedRequest } from '../src/ingest/govern/judged-request.ts'
import { toPlanSettings } from '../src/config/file/plan-entry.ts'
import { createBots } from '../src/governance/bots/bots.ts'
import { createPlanRules } from '../src/governance/plans/enforce/plan-rules.ts'
import { CompiledPlan } from '../src/governance/plans/judge/compiled-plan.ts'
import { createPipeline } from '../src/ingest/pipeline/pipeline.ts'
import { createRateLimiter } from '../src/ingest/pipeline/rate-limit.ts'
import { createRouter } from '../src/ingest/route/route.ts'
import { createValidator } from '../src/ingest/judge/validate.ts'
import { systemClock } from '../src/model/clock.ts'
import { DEFAULT_LIMITS } from '../src/model/limits.ts'
import type { Source } from '../src/model/source.ts'
import type { Lines } from '../src/durability/log/contract.ts'
import { openSegmentLog } from '../src/durability/log/write/segment-log.ts'
import { createKafkaSink } from '../src/durability/kafka/kafka-sink.ts'
import { createMetrics } from '../src/telemetry/metrics.ts'
import { startKafka } from '../test/support/kafka.ts'
import { until } from '../test/support/until.ts'
import { batchBody, ID_DIGITS } from './bodies.ts'
import { BENCH_PLAN } from './plan.ts'

const { values } = parseArgs({
  options: { save: { type: 'boolean', default: false }, events: { type: 'string', default: '100' } }
})

/** The events of a batch. */
const EVENTS = Number(values.events)
const BATCHES = Math.ceil(20_000 / EVENTS)
/** Batches in flight at once, like the connections of `npm run bench`, because events become durable in groups. */
const AT_ONCE = EVENTS === 1 ? 64 : 16
const ROUNDS = 7
const TOPICS = ['steps']

const template = batchBody(EVENTS)
let nextId = 0

/** New bodies with unique ids. */
function makeBodies(): Buffer[] {
  return Array.from({ length: BATCHES }, () => {
    const bytes = Buffer.from(template.bytes)
    for (const at of template.idOffsets) bytes.write(String(nextId++).padStart(ID_DIGITS, '0'), at, 'latin1')
    return bytes
  })
}

const validator = createValidator({
  contract: loadContract(new URL('../openapi.yml', import.meta.url).pathname),
  mode: 'compatible'
})
const judge = createJudge({ validator, limits: DEFAULT_LIMITS })
const endpoint = { kind: 'batch' } as const

function parse(bytes: Buffer): ParsedBody {
  const parsed = parseBody(bytes, { endpoint: 'batch', limits: DEFAULT_LIMITS })
  if (!parsed.ok) throw new Error(parsed.fault.message)
  return parsed.body
}

function judgeAll(body: ParsedBody): GoodEvent[] {
  return body.events.map((_scan, index) => judgeEvent(judge, endpoint, body, index) as GoodEvent)
}

/** The input of a step: the results of all earlier steps. */
interface Prepared {
  readonly bytes: Buffer
  readonly body: ParsedBody
  readonly events: readonly GoodEvent[]
  readonly entries: readonly EventEntry[]
  readonly lines: Lines
}

const receivedAt = Date.parse('2026-11-23T06:49:26.000Z')
const createWindow = (): HashIdWindow =>
  new HashIdWindow({ maxIds: 2_000_000, windowMs: 86_400_000, clock: systemClock, seed: [1, 2] })
const window = createWindow()
const dedupe = createDedupe(() => window)
const router = createRouter({ eventsTopic: 'events', rejectedTopic: 'rejected', destinations: [] })

function encodeAll(body: ParsedBody, events: readonly GoodEvent[], entries: readonly EventEntry[]): Lines {
  const writer = new LineWriter(body.bytes.length + events.length * 384)
  const encoder = new EventEncoder(
    writer,
    createFacts({ body, source: 'web', path: '/v1/batch', receivedAt, address: '127.0.0.1' })
  )
  const lengths = events.map((event, index) => {
    const start = writer.length
    encoder.encode(event, entries[index] as EventEntry)
    const entry = entries[index] as EventEntry
    entry.topics = TOPICS
    entry.lineStart = start
    entry.lineEnd = writer.length
    return writer.length - start
  })
  for (const entry of entries) entry.block = writer.block
  return { pieces: [writer.block.subarray(0, writer.length)], lengths }
}

const folder = mkdtempSync(join(tmpdir(), 'tributary-steps-'))
const log = await openSegmentLog({ dir: folder, clock: systemClock, log: { info() {}, warn() {}, error() {} } })
const budget = createBodyBudget()
const kafka = await startKafka()
const sink = createKafkaSink({
  brokers: kafka.brokers,
  clientId: 'steps',
  topics: { create: true, partitions: 6 },
  publishTimeoutMs: 10_000,
  onProduced: () => undefined,
  log: { info: () => undefined, warn: console.error, error: console.error }
})
sink.ensureTopics(TOPICS)
await until(() => sink.health().ready, { what: 'Kafka', timeoutMs: 30_000 })

/** Everything between the request and the sink, with counters and the debugger. */
const pipeline = createPipeline({
  pause: createWorkQueue().pause,
  judge,
  dedupe: createDedupe(() => createWindow()),
  router: () => router,
  sink: {
    publish: async records => ({ marks: records.map((_, index) => index), read: () => [], released: true }),
    health: () => ({ ready: true, problems: [] }),
    close: async () => undefined
  },
  ledger: createMetrics(),
  observe: createObservations(systemClock.now).recent.observe,
  rateLimiter: createRateLimiter({ clock: systemClock, maxBatchEvents: DEFAULT_LIMITS.maxBatchEvents }),
  clock: systemClock,
  bufferPool: new RecyclingBufferPool(),
  partialStatus: 400
})
const source: Source = { id: 'web', name: 'web', enabled: true, allowedOrigins: undefined, rateLimit: undefined }

const plan = new CompiledPlan(BENCH_PLAN)
const planSettings = toPlanSettings({ file: 'bench' })
const governor = createPlanRules({ planOf: () => plan }).of({ ...source, plan: planSettings }, {})

const botGovernor = createBots(isbot).of({ ...source, bots: 'filter' }, {})

const STEPS: Record<string, (prepared: Prepared) => unknown> = {
  'JSON.parse (for scale)': ({ bytes }) => JSON.parse(bytes.toString()),
  guard({ bytes }) {
    const request = Object.assign(new PassThrough(), { headers: {}, complete: true }) as unknown as IncomingMessage
    const limit = { limit: DEFAULT_LIMITS.maxBatchBytes, limitName: 'MAX_BATCH_BYTES' }
    const options = { encoding: 'identity', ...limit, budget } as const
    const read = new Promise(resolve => readBody(request, options, resolve))
    ;(request as unknown as PassThrough).end(bytes)
    return read.then(() => budget.release(bytes.length))
  },
  'parse: bounds of events and members': ({ bytes }) => parse(bytes),
  'validate: read and the contract': ({ body }) => judgeAll(body),
  dedupe({ entries }) {
    const claims = dedupe.begin('web')
    for (const { texts, idStart, idEnd } of entries) void claims.claim(texts, idStart, idEnd)
    claims.commit()
  },
  route({ events }) {
    for (const event of events) router.route({ type: event.type, source: 'web', event, integrations: {} })
  },
  'enrich and encode': ({ body, events, entries }) => encodeAll(body, events, entries),
  'log: write and fsync': ({ lines }) => log.append(lines),
  'produce: to Kafka, acks=all': ({ entries }) => sink.publish(entries),
  'all from parse to encode, counters and debugger': ({ bytes }) =>
    pipeline.ingest({ body: parse(bytes), endpoint, path: '/v1/batch', source, writeKey: 'wk', address: '127.0.0.1' }),
  'tracking plan: every event fits': ({ body, events }) => {
    const request = new JudgedRequest(judge, endpoint, body, events)
    for (const step of governor?.steps ?? []) step(request)
  },
  'bots: no event is of one': ({ body, events }) => {
    const request = new JudgedRequest(judge, endpoint, body, events)
    for (const step of botGovernor?.steps ?? []) step(request)
  }
}

const best = new Map<string, number>()
for (let round = 0; round < ROUNDS; round++) {
  const prepared = makeBodies().map((bytes): Prepared => {
    const body = parse(bytes)
    const events = judgeAll(body)
    const facts = createFacts({ body, source: 'web', path: '/v1/batch', receivedAt, address: '127.0.0.1' })
    const entries = events.map(event => new EventEntry(facts, event))
    for (const [index, event] of events.entries()) event.writeKeySpans(entries[index] as EventEntry)
    return { bytes, body, events, entries, lines: encodeAll(body, events, entries) }
  })
  for (const [name, step] of Object.entries(STEPS)) {
    const before = process.cpuUsage()
    for (let at = 0; at < BATCHES; at += AT_ONCE) await Promise.all(prepared.slice(at, at + AT_ONCE).map(step))
    const { user, system } = process.cpuUsage(before)
    const cost = (user + system) / (BATCHES * EVENTS)
    best.set(name, Math.min(cost, best.get(name) ?? Number.POSITIVE_INFINITY))
  }
}
await log.close()
await sink.close()
await kafka.stop()
rmSync(folder, { recursive: true })

const eventBytes = Math.round(template.bytes.length / EVENTS)
process.stdout.write(`CPU us an event of ${eventBytes} bytes, in batches of ${EVENTS}, best of ${ROUNDS} rounds\n\n`)
for (const [name, cost] of best) process.stdout.write(`${cost.toFixed(2).padStart(7)}  ${name}\n`)

if (values.save) {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const cells = [...best.values()].map(cost => cost.toFixed(2))
  appendFileSync(new URL('results.md', import.meta.url), `| ${commit} | ${cells.join(' | ')} |\n`)
}
