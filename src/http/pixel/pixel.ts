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
import { senderOf, signalsOf, traceparentIn } from '../caller/sender.ts'
import type { TrackingOptions } from '../tracking/tracking.ts'

/** A GIF of one transparent pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

export interface PixelOptions extends TrackingOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** A sender's address as it may be kept: ids are made of it. Default: as it is. */
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
 * An event as an image, for mails and pages without scripts (Segment's Pixel Tracking API). The answer is always 200
 * and the image, whatever became of the event: that is in the metrics and on the rejected records.
 */
export function registerPixel(app: FastifyInstance, options: PixelOptions): void {
  const context = { ...options, ids: createPixelIds(options.now), limitsOf: createLimitsOf(options.limits) }
  const config = {
    answerOverload(reply: FastifyReply): void {
      options.onRefused('overloaded')
      sendPixel(reply)
    }
  }
  for (const path of withVersion(['/pixel/:type'])) {
    app.get<PixelRoute>(path, { config }, async (request, reply) => {
      // Proxies of mail providers look first; looking is not opening.
      if (request.method !== 'HEAD') await ingest(request, context)
      return sendPixel(reply)
    })
  }
}

async function ingest(request: FastifyRequest<PixelRoute>, options: PixelContext): Promise<void> {
  try {
    const refusal = await track(request, options)
    if (refusal !== undefined) options.onRefused(refusal)
  } catch (error) {
    request.log.error({ err: error }, "a pixel's event was lost")
    options.onRefused('internal_error')
  }
}

/** Why the request was refused before it was an event; undefined where it became one, good or bad. */
async function track(request: FastifyRequest<PixelRoute>, options: PixelContext): Promise<string | undefined> {
  const { name, query: raw } = readPath(request)
  const type = typeNamed(name)
  if (type === undefined) return 'not_found'
  const query = readPixelQuery(raw)
  const event = pixelEvent(query)
  if (!event.ok) return event.fault.code
  options.onBytes(event.bytes.length)
  const parsed = parseBody(event.bytes, { endpoint: 'single', limits: options.limits })
  const refused = checkHead(request, options.authenticator)
  const endpoint = { kind: 'single', type } as const
  const path = request.routeOptions.url?.replace(':type', type) ?? ''
  const { bytes } = event
  const traceparent = traceparentIn(request, options)
  const keepRefused = async (fault: Fault, caller: Authenticated & { ok: true }): Promise<string | undefined> => {
    const { source, writeKey } = caller
    const body = { bytes, fault, isComplete: true, endpoint, path, source, writeKey, traceparent }
    return (await options.pipeline.refuse(body)).refused
  }
  if (!parsed.ok) {
    const caller = refused ?? findCaller(request, options.authenticator, { query })
    return caller.ok ? keepRefused(parsed.fault, caller) : parsed.fault.code
  }
  const known = refused ?? findCaller(request, options.authenticator, { inBody: parsed.body.envelope.writeKey, query })
  if (!known.ok) return known.code
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
    messageId: options.ids(type, event.bytes.toString('latin1'), kept, request.headers['user-agent'] ?? '')
  })
  return undefined
}

/** A question mark that was encoded again, once or more. */
const ENCODED_QUESTION_MARK = /%(?:25)*3f/i

/**
 * A suffix makes the path an image's for whoever looks at that; behind an encoded question mark stands the query. The router
 * has undone one encoding of it.
 */
function readPath({ params, raw }: FastifyRequest<PixelRoute>): { name: string; query: string } {
  const { url = '' } = raw
  const type = params.type.includes('?') ? params.type : params.type.replace(ENCODED_QUESTION_MARK, '?')
  const [last = '', ...inPath] = type.split('?')
  const inUrl = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
  return { name: last.replace(/\.gif$/i, ''), query: [...inPath, inUrl].filter(text => text !== '').join('&') }
}

function sendPixel(reply: FastifyReply): FastifyReply {
  // Each showing is an event, so nothing may keep the image; pages of any origin may show it.
  return reply
    .header('content-type', 'image/gif')
    .header('cache-control', 'no-store')
    .header('cross-origin-resource-policy', 'cross-origin')
    .send(PIXEL)
}
