import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Background } from '../../model/background.ts'
import { createAnswerPart } from '../ring/answer.ts'
import type { EventDetail } from '../ring/detail.ts'
import type { Mask } from '../ring/mask.ts'
import type { ExplainRoute } from '../../model/route.ts'
import { errorAnswer } from '../query.ts'
import type { RecentEvents } from '../ring/recent.ts'
import type { Finders } from './trace.ts'
import { trace } from './trace.ts'

export interface TraceRouteOptions {
  readonly recent: RecentEvents
  readonly mask: Mask
  readonly explain: ExplainRoute
  readonly finders: Finders
  readonly background: Background
}

/**
 * Sent by another server of the fleet: `memory,log` first, as it searches Kafka itself, `log` for a spooled event, and `archive` later. A server
 * without the header searches all of them.
 */
const PLACES_HEADER = 'x-tributary-places'
const MAX_MESSAGE_ID_CHARS = 500
/** The most searches at the same time. Each reads the whole log in the worst case. */
const MAX_SEARCHING = 8

/** Registers `GET /api/trace/{messageId}`: everything that is known about an event, in memory, in the log, in Kafka and in the archive. */
export function registerTraceRoute(app: FastifyInstance, options: TraceRouteOptions): void {
  let searching = 0

  app.get('/api/trace/:messageId', async (request: FastifyRequest, reply) => {
    const { messageId } = request.params as { messageId: string }
    if (messageId === '') return reply.code(400).send(errorAnswer('bad_request', 'the messageId is missing'))
    if (messageId.length > MAX_MESSAGE_ID_CHARS) {
      const says = `a messageId has at most ${MAX_MESSAGE_ID_CHARS} characters here`
      return reply.code(400).send(errorAnswer('bad_request', says))
    }
    if (searching >= MAX_SEARCHING) {
      const says = 'too many searches are under way'
      return reply.code(503).header('retry-after', '1').send(errorAnswer('too_many_searching', says))
    }
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    searching++
    try {
      // A primary asks its workers to search one place at a time.
      const { in: only, since } = request.query as { in?: unknown; since?: unknown }
      const places = request.headers[PLACES_HEADER]
      const wanted = typeof only === 'string' ? only : typeof places === 'string' ? places : undefined
      const text = await answer(
        messageId,
        { signal: gone.signal, wanted: wanted?.split(','), since: asTime(since) },
        options
      )
      return await reply.type('application/json; charset=utf-8').send(text)
    } finally {
      searching--
    }
  })
}

/** Milliseconds since the epoch, from a query. */
function asTime(text: unknown): number | undefined {
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

interface Wanted {
  readonly signal: AbortSignal
  /** The places to search; undefined: all. */
  readonly wanted: readonly string[] | undefined
  /** See TraceOptions. */
  readonly since: number | undefined
}

/** The result of the search as JSON. */
async function answer(
  messageId: string,
  { signal, wanted, since }: Wanted,
  options: TraceRouteOptions
): Promise<string> {
  const { finders } = options
  const all = [
    { name: 'log', find: finders.log },
    { name: 'kafka', find: finders.kafka },
    { name: 'archive', find: finders.archive }
  ] as const
  const places = wanted === undefined ? all : all.filter(({ name }) => wanted.includes(name))
  const inMemory = wanted === undefined || wanted.includes('memory')
  const followsSpooled = wanted === undefined
  const found = await trace(messageId, { ...options, places, inMemory, followsSpooled, since, signal })
  const lines = await finders.linesOf(
    found.events.flatMap(event => event.places),
    signal
  )
  const events = createAnswerPart()
  const records = createAnswerPart()
  let at = 0
  for (const event of found.events) {
    const own = lines.slice(at, (at += event.places.length))
    if (!events.add(withLines(event, own))) break
    await options.background.slice()
  }
  for (const record of found.records) {
    if (!records.add(record)) break
    await options.background.slice()
  }
  const omitted = found.events.length + found.records.length - events.texts.length - records.texts.length
  const rest = JSON.stringify({ looks: found.looks, omitted })
  const lists = `"events":[${events.texts.join(',')}],"records":[${records.texts.join(',')}]`
  return `{"messageId":${JSON.stringify(messageId)},${lists},${rest.slice(1)}`
}

/** Adds the line number to places in files, counted from 1 as editors do. */
export function withLines<T extends EventDetail>(detail: T, lines: readonly (number | undefined)[]): T {
  return { ...detail, places: detail.places.map((place, index) => ({ ...place, line: lines[index] })) }
}
