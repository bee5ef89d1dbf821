import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { parseBody } from '../../ingest/parse/body.ts'
import type { LimitsOf } from '../../ingest/pipeline/source-limits.ts'
import { createLimitsOf, parseWithin } from '../../ingest/pipeline/source-limits.ts'
import type { Source } from '../../model/source.ts'
import type { Fault } from '../../model/reasons.ts'
import type { Authenticated } from '../caller/authenticate.ts'
import { checkHead, findCaller } from '../caller/caller.ts'
import { typeNamed, withVersion } from '../paths.ts'
import { pixelEvent } from './pixel-event.ts'
import type { PixelIds } from './pixel-ids.ts'
import { createPixelIds } from './pixel-ids.ts'
import { readPixelQuery } from './pixel-query.ts'
import type { RefusalDetail } from '../caller/refusal.ts'
import { senderOf, signalsOf, traceparentIn } from '../caller/sender.ts'
import type { TrackingOptions } from '../tracking/tracking.ts'

/** A GIF of one transparent pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

export interface PixelOptions extends TrackingOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Returns the form in which a sender's address may be kept; ids are computed from it. Default: the address itself. */
  readonly keptAddress?: (source: Source, address: string) => string
}

interface PixelRoute {
  Params: { type: string }
}

/** What the handlers need. */
interface PixelContext extends PixelOptions {
  readonly limitsOf: LimitsOf
  readonly ids: PixelIds
}

/**
 * Registers the pixel, for mails and pages without scripts (Segment's Pixel Tracking API). The answer is always 200 with
 * the image. The outcome of the event is visible only in the metrics, the debugger and the rejected records.
 */
export function registerPixel(app: FastifyInstance, options: PixelOptions): void {
  const context = { ...options, ids: createPixelIds(options.now), limitsOf: createLimitsOf(options.limits) }
  const config = { answerOverload: (reply: FastifyReply): void => void sendPixel(reply) }
  for (const path of withVersion(['/pixel/:type'])) {
    app.get<PixelRoute>(path, { config }, async (request, reply) => {
      // Proxies of mail providers send HEAD first, which does not mean that the user opened the mail.
      if (request.method !== 'HEAD') await ingest(request, context)
      return sendPixel(reply)
    })
  }
}

async function ingest(request: FastifyRequest<PixelRoute>, options: PixelContext): Promise<void> {
  try {
    const refusal = await track(request, options)
    if (refusal !== undefined) options.onRefused(refusal.code, request, refusal)
  } catch (error) {
    request.log.error({ err: error }, 'the event of a pixel was lost')
    options.onRefused('internal_error', request)
  }
}

interface PixelRefusal extends RefusalDetail {
  readonly code: string
}

/** Returns why a request was refused as a whole; undefined if the pipeline got an event, valid or not. */
async function track(request: FastifyRequest<PixelRoute>, options: PixelContext): Promise<PixelRefusal | undefined> {
  const { name, query: raw } = readPath(request)
  const type = typeNamed(name)
  if (type === undefined) return { code: 'not_found' }
  const query = readPixelQuery(raw)
  const event = pixelEvent(query)
  if (!event.ok) return event.fault
  options.onBytes(event.bytes.length)
  const parsed = parseBody(event.bytes, { endpoint: 'single', limits: options.limits })
  const refused = checkHead(request, options.authenticator)
  const endpoint = { kind: 'single', type } as const
  const path = request.routeOptions.url?.replace(':type', type) ?? ''
  const { bytes } = event
  const traceparent = traceparentIn(request, options)
  const keepRefused = async (fault: Fault, caller: Authenticated & { ok: true }): Promise<PixelRefusal | undefined> => {
    const { source, writeKey } = caller
    const body = { bytes, fault, isComplete: true, endpoint, path, source, writeKey, traceparent }
    const { refused: code } = await options.pipeline.refuse(body)
    return code && { code, source, message: code === fault.code ? fault.message : undefined }
  }
  if (!parsed.ok) {
    const caller = refused ?? findCaller(request, options.authenticator, { query })
    return caller.ok ? keepRefused(parsed.fault, caller) : parsed.fault
  }
  const known = refused ?? findCaller(request, options.authenticator, { inBody: parsed.body.envelope.writeKey, query })
  if (!known.ok) return known
  const own = options.limitsOf(known.source)
  const within = own === options.limits ? parsed : parseWithin(parsed.body, { endpoint, limits: own })
  if (!within.ok) return keepRefused(within.fault, known)
  const address = senderOf(request)
  const kept = options.keptAddress?.(known.source, address) ?? address
  await options.pipeline.ingest({
    body: within.body,
    endpoint,
    limits: own,
    path,
    source: known.source,
    writeKey: known.writeKey,
    address,
    signals: signalsOf(request),
    traceparent,
    trace: request.trace,
    messageId: options.ids(type, event.bytes.toString('latin1'), kept, request.headers['user-agent'] ?? '')
  })
  return undefined
}

/** A question mark that was percent-encoded once or repeatedly. */
const ENCODED_QUESTION_MARK = /%(?:25)*3f/i

/**
 * Reads the event type and the query from the path. The path may end in `.gif`, for programs that expect the suffix of an
 * image. If the question mark was encoded, the query is part of the path; the router has decoded the path once.
 */
function readPath({ params, raw }: FastifyRequest<PixelRoute>): { name: string; query: string } {
  const { url = '' } = raw
  const type = params.type.includes('?') ? params.type : params.type.replace(ENCODED_QUESTION_MARK, '?')
  const [last = '', ...inPath] = type.split('?')
  const inUrl = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
  return { name: last.replace(/\.gif$/i, ''), query: [...inPath, inUrl].filter(text => text !== '').join('&') }
}

function sendPixel(reply: FastifyReply): FastifyReply {
  // Each display is an event, so no cache may keep the image; pages of any origin may show it.
  return reply
    .header('content-type', 'image/gif')
    .header('cache-control', 'no-store')
    .header('cross-origin-resource-policy', 'cross-origin')
    .send(PIXEL)
}
