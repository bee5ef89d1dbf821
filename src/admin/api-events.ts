import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EventDetail } from './detail.ts'
import { toDetail } from './detail.ts'
import type { FilterQuery } from './filter.ts'
import { createMatcher, parseFilter } from './filter.ts'
import type { LiveFeed } from './live.ts'
import type { Mask } from './mask.ts'
import { durationOf, integerOf, queryOf } from './query.ts'
import type { Query } from './query.ts'
import type { RecentEvents } from './recent.ts'
import { groupRejections } from './rejections.ts'
import type { RefusedRequests } from './refused-requests.ts'
import type { StoredEvent } from './ring.ts'
import { parseObject, toRow } from './row.ts'
import { collect } from './search.ts'
import { openEventStream } from './event-stream.ts'
import type { Finders } from './trace.ts'
import { trace } from './trace.ts'
import { waitForEvents } from './wait.ts'

export interface EventRoutesOptions {
  readonly recent: RecentEvents
  readonly refused: RefusedRequests
  readonly live: LiveFeed
  readonly mask: Mask
  readonly finders: Finders
}

const FILTERS: readonly (keyof FilterQuery)[] = [
  'source',
  'type',
  'outcome',
  'code',
  'event',
  'user',
  'messageId',
  'text'
]
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000
const MAX_WAIT_MS = 60_000
const MAX_WAITING = 32
const MAX_MESSAGE_ID_CHARS = 500

/** The events part of the API: list and wait, one event, live stream, rejections, trace, clear. */
export function registerEventRoutes(app: FastifyInstance, options: EventRoutesOptions): void {
  const { recent, refused, live, mask, finders } = options
  const places = [
    { name: 'log', find: finders.log },
    { name: 'kafka', find: finders.kafka }
  ] as const
  const show = (stored: StoredEvent, query: Query): object =>
    query['detail'] === 'true' ? withPayload(stored, mask) : toRow(stored, mask)

  const list = createList(recent)
  app.get('/api/events', async (request, reply) => {
    const query = queryOf(request, [...FILTERS, 'after', 'before', 'limit', 'order', 'wait', 'count', 'detail'])
    const found = await list(query, reply)
    if (found === undefined) {
      return reply.code(503).header('retry-after', '1').send(fail('too_many_waiting', 'too many requests wait already'))
    }
    return { events: found.map(stored => show(stored, query)), ...kept() }
  })
  app.delete('/api/events', async () => {
    recent.clear()
    refused.clear()
    return { success: true, ...kept() }
  })
  app.get('/api/events/:seq', async (request, reply) => {
    const stored = recent.get(Number((request.params as { seq: string }).seq))
    if (stored === undefined) return reply.code(404).send(fail('not_found', 'this event is not in memory any more'))
    return withLines(withPayload(stored, mask), finders)
  })
  app.get('/api/stream', async (request, reply) => {
    const query = queryOf(request, [...FILTERS, 'after'])
    const resumed = Number(request.headers['last-event-id'] ?? Number.NaN)
    const newest = recent.nextSeq() - 1
    const after = integerOf(query, 'after', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: newest })
    const matches = createMatcher(parseFilter(query))
    openEventStream(reply, { live, matches, from: (Number.isSafeInteger(resumed) ? resumed : after) + 1 })
  })
  app.get('/api/rejections', async () => ({ events: groupRejections(recent, mask), requests: refused.groups() }))
  app.get('/api/trace/:messageId', async (request: FastifyRequest, reply: FastifyReply) => {
    const { messageId } = request.params as { messageId: string }
    if (messageId.length > MAX_MESSAGE_ID_CHARS) return reply.code(400).send(fail('bad_request', 'messageId too long'))
    const found = await trace(messageId, { recent, places, mask })
    return { ...found, events: await Promise.all(found.events.map(event => withLines(event, finders))) }
  })

  function kept() {
    return { newest: recent.nextSeq() - 1, oldest: recent.firstSeq(), kept: recent.usage().events }
  }
}

/** Answers a list's query; undefined where too many wait already. */
function createList(recent: RecentEvents) {
  let waiting = 0
  return async (query: Query, reply: FastifyReply): Promise<StoredEvent[] | undefined> => {
    const most = Number.MAX_SAFE_INTEGER
    const limit = integerOf(query, 'limit', { least: 1, most: MAX_LIMIT, otherwise: DEFAULT_LIMIT })
    const count = integerOf(query, 'count', { least: 1, most: MAX_LIMIT, otherwise: 1 })
    const after = integerOf(query, 'after', { least: 0, most, otherwise: 0 })
    const before = integerOf(query, 'before', { least: 0, most, otherwise: recent.nextSeq() })
    const waitMs = durationOf(query, 'wait', MAX_WAIT_MS)
    const filter = parseFilter(query)
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const { signal } = gone
    const isAscending = query['order'] === 'asc'
    if (waitMs > 0) {
      if (waiting >= MAX_WAITING) return undefined
      waiting++
      try {
        const found = await waitForEvents(recent, {
          filter,
          after,
          count,
          limit: Math.max(limit, count),
          waitMs,
          signal
        })
        return isAscending ? found : found.toReversed()
      } finally {
        waiting--
      }
    }
    const matches = createMatcher(filter)
    if (isAscending) return collect(between(recent.after(after), after, before), { matches, limit, signal })
    return collect(between(recent.before(before), after, before), { matches, limit, signal })
  }
}

function* between(events: Iterable<StoredEvent>, after: number, before: number): Generator<StoredEvent> {
  for (const stored of events) {
    if (stored.seq <= after || stored.seq >= before) return
    yield stored
  }
}

/** Says of places in files which line they are, as editors count. */
async function withLines<T extends EventDetail>(detail: T, { lineOf }: Finders): Promise<T> {
  const places = await Promise.all(detail.places.map(async place => ({ ...place, line: await lineOf(place) })))
  return { ...detail, places }
}

/** The detail, and the event itself as a value, for programs. */
function withPayload(stored: StoredEvent, mask: Mask): EventDetail & { readonly payload: object | null } {
  const detail = toDetail(stored, mask)
  const isEvent = stored.event.kind === 'event'
  const text = isEvent && detail.published !== null ? detail.published : detail.received
  return { ...detail, payload: parseObject(text) ?? null }
}

export function fail(code: string, message: string): { success: false; message: string; code: string } {
  return { success: false, message, code }
}
