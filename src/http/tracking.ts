import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from '../ingest/answer.ts'
import { faultAnswer } from '../ingest/answer.ts'
import { parseBody } from '../ingest/body.ts'
import type { Endpoint } from '../ingest/judge.ts'
import type { Pipeline } from '../ingest/pipeline.ts'
import type { ErrorCode } from '../model/errors.ts'
import { EVENT_TYPES } from '../model/event-types.ts'
import type { Limits } from '../model/limits.ts'
import { MAX_SINGLE_BODY_BYTES } from '../model/limits.ts'
import type { Fault } from '../model/reasons.ts'
import type { Authenticate } from './authenticate.ts'
import { refuseKey } from './authenticate.ts'
import type { BodyBudget } from './body-budget.ts'
import { createBodyBudget } from './body-budget.ts'
import type { Pace } from './body-pace.ts'
import type { Encoding, GuardedBody } from './body-guard.ts'
import { parseEncoding, readBody } from './body-guard.ts'
import { basicKey } from './credentials.ts'
import { refuseOtherMethods } from './errors.ts'
import { BATCH_PATHS, singlePaths } from './paths.ts'
import { sendAnswer, sendError } from './replies.ts'
import { senderOf } from './sender.ts'

export interface TrackingOptions {
  readonly pipeline: Pipeline
  readonly authenticate: Authenticate
  readonly limits: Limits
  /** Told of a request that was refused before it was split into events. */
  readonly onRefused: (code: string, request?: FastifyRequest) => void
  readonly onBytes: (bytes: number) => void
  /** Default: a budget of MAX_HELD_BODY_BYTES. */
  readonly budget?: BodyBudget
  /** How fast bodies must come in; default: DEFAULT_PACE. */
  readonly pace?: Pace
}

/** What the handlers work with. */
type Doors = TrackingOptions & { readonly budget: BodyBudget }

declare module 'fastify' {
  interface FastifyRequest {
    /** The write key of the Authorization header, once the key hook has seen it. */
    basicKey: string | undefined
    encoding: Encoding
  }
  interface FastifyContextConfig {
    /** The endpoint of a tracking route; other routes have none, and their bodies are not read. */
    endpoint?: Endpoint
  }
}

const CHARSET = /;[ \t]*charset[ \t]*=[ \t]*"?([^";\s]*)/i
const READABLE_CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii', ''])

/** The tracking API's doors: six single calls and the batch. Fastify's hooks run in the order of the event's path. */
export function registerTracking(app: FastifyInstance, options: TrackingOptions): void {
  const { limits, pace, budget = createBodyBudget() } = options
  const doors: Doors = { ...options, budget }
  app.decorateRequest('basicKey', undefined)
  app.decorateRequest('encoding', 'identity')
  app.addHook('onRequest', async (request, reply) => checkHead(request, reply, options))

  // One parser for every content type: SDKs send JSON as text/plain, as a form and as nothing at all.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async (request: FastifyRequest): Promise<GuardedBody | undefined> => {
    const { endpoint } = request.routeOptions.config
    if (endpoint === undefined) return undefined
    return readBody(request.raw, { encoding: request.encoding, limit: bodyLimit(endpoint, limits), budget, pace })
  })

  const handler = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => track(request, reply, doors)
  const register = (path: string, endpoint: Endpoint): void => {
    app.route({ method: 'POST', url: path, config: { endpoint }, handler })
    refuseOtherMethods(app, path, ['POST'])
  }
  for (const type of EVENT_TYPES) for (const path of singlePaths(type)) register(path, { kind: 'single', type })
  for (const path of BATCH_PATHS) register(path, { kind: 'batch' })
}

/** What the head of a request tells: whether we can read the body, and the key where it is in the header. */
async function checkHead(
  request: FastifyRequest,
  reply: FastifyReply,
  options: TrackingOptions
): Promise<FastifyReply | undefined> {
  const contentType = request.headers['content-type']
  // Read as JSON whatever it says, and by one name: tricks with this header have skipped validation before.
  request.raw.headers['content-type'] = 'application/json'
  if (request.routeOptions.config?.endpoint === undefined) return undefined
  const encoding = parseEncoding(request.headers['content-encoding'])
  if (encoding === undefined) return refuse('encoding_unsupported')
  request.encoding = encoding
  const charset = contentType === undefined ? undefined : CHARSET.exec(contentType)?.[1]
  if (charset !== undefined && !READABLE_CHARSETS.has(charset.toLowerCase())) return refuse('charset_unsupported')
  request.basicKey = basicKey(request.headers.authorization)
  if (request.basicKey === undefined) return undefined
  const known = options.authenticate(request.basicKey, request)
  if (known.ok) return undefined
  options.onRefused(known.code, request)
  return refuseKey(reply, known.code)

  function refuse(code: 'encoding_unsupported' | 'charset_unsupported'): FastifyReply {
    options.onRefused(code, request)
    return sendError(reply, code)
  }
}

/** From the guarded body to the answer. */
async function track(request: FastifyRequest, reply: FastifyReply, doors: Doors): Promise<FastifyReply> {
  const guarded = (request.body ?? { ok: true, bytes: Buffer.alloc(0) }) as GuardedBody
  try {
    if (guarded.ok) return await trackBytes(guarded.bytes, request, reply, doors)
  } finally {
    if (guarded.ok) doors.budget.giveBack(guarded.bytes.length)
  }
  if (typeof guarded.fault !== 'string') return refuseBody(request, reply, doors, guarded.fault)
  doors.onRefused(guarded.fault, request)
  if (guarded.fault === 'request_timeout') reply.header('connection', 'close')
  return sendError(reply, guarded.fault)
}

async function trackBytes(
  bytes: Buffer,
  request: FastifyRequest,
  reply: FastifyReply,
  doors: Doors
): Promise<FastifyReply> {
  const endpoint = request.routeOptions.config.endpoint as Endpoint
  doors.onBytes(bytes.length)
  const outerKey = request.basicKey ?? queryKey(request.query)
  if (bytes.length === 0 && outerKey === undefined) return refuseAs('write_key_missing')
  const parsed = parseBody(bytes, { endpoint: endpoint.kind, maxBatchEvents: doors.limits.maxBatchEvents })
  if (!parsed.ok) return refuseBody(request, reply, doors, parsed.fault)
  // An empty key in the body is none, as in the query.
  const key = request.basicKey ?? (parsed.body.envelope.writeKey || outerKey)
  if (key === undefined) return refuseAs('write_key_missing')
  const known = doors.authenticate(key, request)
  if (!known.ok) return refuseAs(known.code)
  const { source } = known
  const facts = { body: parsed.body, endpoint, source, writeKey: key, address: senderOf(request) }
  const answer: Answer = await doors.pipeline.ingest(facts)
  if (answer.refused !== undefined) doors.onRefused(answer.refused, request)
  return sendAnswer(reply, answer)

  function refuseAs(code: ErrorCode): FastifyReply {
    doors.onRefused(code, request)
    return refuseKey(reply, code)
  }
}

function refuseBody(request: FastifyRequest, reply: FastifyReply, doors: Doors, fault: Fault): FastifyReply {
  doors.onRefused(fault.code, request)
  return sendAnswer(reply, faultAnswer(fault))
}

/** A single call's body may be 32 KB to the byte; it grows with the event limit where the operator raised that. */
function bodyLimit(endpoint: Endpoint, limits: Limits): number {
  return endpoint.kind === 'batch' ? limits.maxBatchBytes : Math.max(MAX_SINGLE_BODY_BYTES, limits.maxEventBytes)
}

function queryKey(query: unknown): string | undefined {
  const key = (query as Record<string, unknown> | undefined)?.['writeKey']
  return typeof key === 'string' && key !== '' ? key : undefined
}
