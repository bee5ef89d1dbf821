import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from '../../ingest/pipeline/answer.ts'
import { faultAnswer, SUCCESS } from '../../ingest/pipeline/answer.ts'
import { parseBody } from '../../ingest/parse/body.ts'
import type { RefusedBody } from '../../ingest/pipeline/refused-body-store.ts'
import type { IngestRequest } from '../../ingest/pipeline/contract.ts'
import type { Endpoint } from '../../ingest/judge/judge.ts'
import type { BufferPool } from '../../ingest/enrich/buffer-pool.ts'
import type { Pipeline } from '../../ingest/pipeline/pipeline.ts'
import type { LimitsOf } from '../../ingest/pipeline/source-limits.ts'
import { bodyLimit, createLimitsOf, parseWithin } from '../../ingest/pipeline/source-limits.ts'
import type { ErrorCode } from '../../model/errors.ts'
import { EVENT_TYPES } from '../../model/event-types.ts'
import type { Limits } from '../../model/limits.ts'
import { setterOf } from '../../model/limits.ts'
import type { Fault } from '../../model/reasons.ts'
import type { Authenticator, Refused } from '../caller/authenticate.ts'
import { refuseKey } from '../caller/authenticate.ts'
import type { BodyBudget } from '../body/body-budget.ts'
import { createBodyBudget } from '../body/body-budget.ts'
import type { MinimumBodyRate } from '../body/body-rate.ts'
import type { GuardedBody } from '../body/body-guard.ts'
import { readBody } from '../body/body-guard.ts'
import type { Encoding } from '../body/encoding.ts'
import { readMedia } from '../body/media.ts'
import { checkHead, findCaller, hasKeyInHeadOrQuery, decorateCaller, callerOfHeadOrQuery } from '../caller/caller.ts'
import { BATCH_PATHS, singlePaths } from '../paths.ts'
import { sendAnswer, sendError } from '../replies.ts'
import type { OnRefused, RefusalDetail } from '../caller/refusal.ts'
import { senderOf, signalsOf, traceparentIn, wantsCounts, type TraceOptions } from '../caller/sender.ts'
import type { WorkQueue } from './work-queue.ts'
import { createWorkQueue } from './work-queue.ts'

export interface TrackingOptions extends TraceOptions {
  readonly pipeline: Pipeline
  readonly authenticator: Authenticator
  readonly limits: Limits
  /** See ParseOptions; default: false. */
  readonly isLenient?: boolean
  /** How many bytes of a refused body are read and kept, if its source is known; default: none. */
  readonly keepBytes?: number | undefined
  readonly onRefused: OnRefused
  readonly onBytes: (bytes: number) => void
  /** Default: a budget of MAX_HELD_BODY_BYTES. */
  readonly budget?: BodyBudget
  /** The pool for large bodies; the pipeline releases them. Default: Node's allocator. */
  readonly bufferPool?: BufferPool
  /** The minimum rate of a body; default: DEFAULT_MINIMUM_RATE. */
  readonly minimumRate?: MinimumBodyRate
  /** Runs the work that follows a body; default: a queue of its own. */
  readonly workQueue?: WorkQueue
}

/** What the handlers of one route need. */
interface RouteContext extends TrackingOptions {
  readonly budget: BodyBudget
  readonly endpoint: Endpoint
  readonly limitsOf: LimitsOf
  readonly path: string
}

declare module 'fastify' {
  interface FastifyRequest {
    encoding: Encoding
    /** Why the body cannot be decoded; it is kept undecoded. */
    unreadable: Fault | undefined
  }
}

/** Registers the routes of the tracking API: six single calls and the batch. */
export function registerTracking(app: FastifyInstance, options: TrackingOptions): void {
  const { limits, minimumRate, bufferPool, budget = createBodyBudget(), workQueue = createWorkQueue() } = options
  const limitsOf = createLimitsOf(limits)
  decorateCaller(app)
  app.decorateRequest('encoding', 'identity')
  app.decorateRequest('unreadable', undefined)

  const register = (path: string, endpoint: Endpoint): void => {
    const context: RouteContext = { ...options, budget, endpoint, path, limitsOf }
    app.route({
      method: 'POST',
      url: path,
      onRequest: (request, reply, done) => {
        if (passesHead(request, reply, options)) done()
      },
      // Callbacks, because a promise for each step of each request costs more than the steps.
      handler: (request, reply) => {
        const most = limitsOf(request.caller?.source)
        const { bytes: limit, name } = bodyLimit(endpoint, most)
        const limitName = setterOf(most, name)
        const keepBytes = hasKeyInHeadOrQuery(request) ? options.keepBytes : undefined
        const guard = { encoding: request.encoding, limit, limitName, keepBytes, budget, bufferPool, minimumRate }
        readBody(request.raw, guard, guarded => workQueue.later(() => void track(guarded, request, reply, context)))
      }
    })
  }
  for (const type of EVENT_TYPES) for (const path of singlePaths(type)) register(path, { kind: 'single', type })
  for (const path of BATCH_PATHS) register(path, { kind: 'batch' })
}

/** Checks the head of a request: the encoding of the body, and the key if a header has it. False if it was refused. */
function passesHead(request: FastifyRequest, reply: FastifyReply, options: TrackingOptions): boolean {
  const { authenticator, keepBytes } = options
  const media = readMedia(request.raw.headers)
  const refused = checkHead(request, authenticator)
  if (typeof media === 'string') {
    request.encoding = media
    return refused === undefined || refuse(refused)
  }
  const isKept =
    keepBytes !== undefined && refused === undefined && callerOfHeadOrQuery(request, authenticator) !== undefined
  if (!isKept) return refuse({ ...media, code: media.code as ErrorCode })
  request.unreadable = media
  return true

  function refuse(refusal: RefusalDetail & { readonly code: ErrorCode }): false {
    options.onRefused(refusal.code, request, refusal)
    refuseKey(reply, refusal.code, refusal.message)
    return false
  }
}

/** Handles a request from its guarded body to its answer. Never rejects. */
async function track(
  guarded: GuardedBody,
  request: FastifyRequest,
  reply: FastifyReply,
  context: RouteContext
): Promise<void> {
  const { bytes } = guarded
  try {
    const isReadable = guarded.ok && request.unreadable === undefined
    const facts = isReadable
      ? collectFacts(bytes, request, reply, context)
      : readFault(guarded, request, reply, context)
    if (facts === undefined) return
    const answer = await ('body' in facts ? context.pipeline.ingest(facts) : refuseBody(facts, request, reply, context))
    if (answer === undefined) return
    if (answer.refused !== undefined) context.onRefused(answer.refused, request, detailOf(facts, answer.refused))
    if (answer === SUCCESS) reply.sendSuccess(answer.body)
    else sendAnswer(reply, answer)
  } catch (error) {
    reply.send(error)
  } finally {
    context.budget.release(bytes.length)
  }
}

/** A body that is refused as a whole: incomplete, too large, or not JSON. */
interface Unreadable extends Pick<RefusedBody, 'bytes' | 'isComplete' | 'fault'> {
  /** The sender, if the body was parsed far enough to find its key. */
  readonly caller?: NonNullable<FastifyRequest['caller']>
}

/** What is known about a request that was refused with this code for its body. */
function detailOf(facts: IngestRequest | Unreadable, code: string): RefusalDetail {
  if ('body' in facts) return facts
  const { caller, fault } = facts
  return { source: caller?.source, message: fault.code === code ? fault.message : undefined }
}

/** The pipeline's input for a request; undefined if the request was refused, which answers it. */
function collectFacts(
  bytes: Buffer,
  request: FastifyRequest,
  reply: FastifyReply,
  context: RouteContext
): IngestRequest | Unreadable | undefined {
  const { endpoint, path, limitsOf, isLenient, authenticator } = context
  context.onBytes(bytes.length)
  if (bytes.length > 0 || hasKeyInHeadOrQuery(request)) {
    const before = limitsOf(request.caller?.source)
    const parsed = parseBody(bytes, { endpoint: endpoint.kind, limits: before, isLenient })
    if (!parsed.ok) return { bytes, isComplete: true, fault: parsed.fault }
    const caller = findCaller(request, authenticator, { inBody: parsed.body.envelope.writeKey })
    if (!caller.ok) return refuseCaller(request, reply, context, caller)
    const { source, writeKey } = caller
    const own = limitsOf(source)
    // The body was parsed with the server's limits if its key was unknown until now; the source's limits may be lower.
    const within = own === before ? parsed : parseWithin(parsed.body, { endpoint, limits: own, isLenient })
    if (!within.ok) return { bytes, isComplete: true, fault: within.fault, caller }
    const traceparent = traceparentIn(request, context)
    const asked = { signals: signalsOf(request), wantsCounts: wantsCounts(request), trace: request.trace }
    const sent = { address: senderOf(request), ...asked, traceparent }
    return { body: within.body, endpoint, path, source, writeKey, ...sent, limits: own }
  }
  const failure = findCaller(request, authenticator)
  return failure.ok ? undefined : refuseCaller(request, reply, context, failure)
}

/** The fault of a body that was not read; undefined if the client was answered to send the body again. */
function readFault(
  body: GuardedBody,
  request: FastifyRequest,
  reply: FastifyReply,
  context: RouteContext
): Unreadable | undefined {
  const { bytes } = body
  if (!body.ok && typeof body.fault === 'string') {
    context.onRefused(body.fault, request)
    if (body.fault === 'request_timeout') reply.header('connection', 'close')
    sendError(reply, body.fault)
    return undefined
  }
  if (request.unreadable !== undefined) {
    return { bytes, isComplete: body.ok || body.isComplete, fault: request.unreadable }
  }
  return body.ok ? undefined : { bytes, isComplete: body.isComplete, fault: body.fault as Fault }
}

/**
 * Refuses a body and keeps it if its source is known. A client with an unknown key is not told the fault of the body.
 * Resolves with undefined if the request was already answered.
 */
async function refuseBody(
  body: Unreadable,
  request: FastifyRequest,
  reply: FastifyReply,
  context: RouteContext
): Promise<Answer | undefined> {
  const { endpoint, path, authenticator, pipeline } = context
  const caller = body.caller ?? (hasKeyInHeadOrQuery(request) ? findCaller(request, authenticator) : undefined)
  if (caller === undefined) return { ...faultAnswer(body.fault), refused: body.fault.code }
  if (!caller.ok) return refuseCaller(request, reply, context, caller)
  const { source, writeKey } = caller
  const traceparent = traceparentIn(request, context)
  const answer = await pipeline.refuse({ ...body, endpoint, path, source, writeKey, traceparent })
  context.bufferPool?.release(body.bytes)
  return answer
}

function refuseCaller(
  request: FastifyRequest,
  reply: FastifyReply,
  context: RouteContext,
  refused: Refused
): undefined {
  context.onRefused(refused.code, request, refused)
  refuseKey(reply, refused.code, refused.message)
}
