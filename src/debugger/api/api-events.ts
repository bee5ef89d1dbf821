import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Background } from '../../model/background.ts'
import type { ListedEvents } from '../ring/answer.ts'
import { listEvents, withTexts } from '../ring/answer.ts'
import { registerTraceRoute, withLines } from './api-trace.ts'
import type { EventDetail } from '../ring/detail.ts'
import { toDetail } from '../ring/detail.ts'
import type { FilterQuery } from '../ring/filter.ts'
import { createMatcher, parseFilter } from '../ring/filter.ts'
import type { LiveFeed } from '../live/live.ts'
import type { Mask } from '../ring/mask.ts'
import type { ExplainRoute } from '../../model/route.ts'
import { durationOf, errorAnswer, integerOf, queryOf, wholeNumber } from '../query.ts'
import type { Query } from '../query.ts'
import type { RecentEvents } from '../ring/recent.ts'
import { groupRejections } from './rejections.ts'
import type { RefusedRequests } from '../ring/refused-requests.ts'
import type { StoredEvent } from '../ring/ring.ts'
import { toRow } from '../ring/row.ts'
import { openEventStream } from '../live/event-stream.ts'
import type { Finders } from './trace.ts'
import { waitForEvents } from './wait.ts'

export interface EventRoutesOptions {
  readonly recent: RecentEvents
  readonly refused: RefusedRequests
  readonly live: LiveFeed
  readonly mask: Mask
  readonly explain: ExplainRoute
  readonly finders: Finders
  readonly background: Background
}

/** The query parameters that filter events. */
export const FILTERS: readonly (keyof FilterQuery)[] = [
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

/** Registers the routes for events: list and wait, one event, live stream, rejections, trace, clear. */
export function registerEventRoutes(app: FastifyInstance, options: EventRoutesOptions): void {
  const { recent, refused, live, mask, explain, finders, background } = options
  const detailed = (stored: StoredEvent): Promise<EventDetail> => toDetail(stored, { mask, background })
  const list = createList(options)
  app.get('/api/events', async (request, reply) => {
    const query = queryOf(request, [...FILTERS, 'after', 'before', 'limit', 'order', 'wait', 'count', 'detail'])
    const show = query['detail'] === 'true' ? detailed : (stored: StoredEvent) => toRow(stored, mask)
    // A HEAD gets no body, so it need not wait.
    const found = await list(request.method === 'HEAD' ? { ...query, wait: undefined } : query, { reply, show })
    if (found === undefined) {
      return reply
        .code(503)
        .header('retry-after', '1')
        .send(errorAnswer('too_many_waiting', 'too many requests wait already'))
    }
    const { texts, next, newest } = found
    return reply.type('application/json; charset=utf-8').send(withTexts('events', texts, { ...kept(), newest, next }))
  })
  app.delete('/api/events', async () => {
    recent.clear()
    refused.clear()
    return { success: true, ...kept() }
  })
  app.get('/api/events/:seq', async (request, reply) => {
    const seq = wholeNumber((request.params as { seq: string }).seq)
    if (seq === undefined) return reply.code(400).send(errorAnswer('bad_request', 'a seq is a whole number'))
    const stored = recent.get(seq)
    if (stored === undefined)
      return reply.code(404).send(errorAnswer('not_found', 'this event is not in memory any more'))
    await background.slice()
    const detail = await toDetail(stored, { mask, background, explain })
    return withLines(detail, await finders.linesOf(detail.places, signalOf(reply)))
  })
  app.get('/api/stream', async (request, reply) => {
    const query = queryOf(request, [...FILTERS, 'after'])
    const newest = recent.nextSeq() - 1
    const after = integerOf(query, 'after', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: newest })
    const last = wholeNumber(String(request.headers['last-event-id'] ?? '')) ?? after
    // A seq that does not exist yet is from a process that has ended: this one then returns all events that it has.
    const from = last > newest ? 1 : last + 1
    openEventStream(request, reply, { live, matches: createMatcher(parseFilter(query)), from })
  })
  app.get('/api/rejections', async () => ({
    events: await groupRejections(recent, { mask, background }),
    requests: refused.groups()
  }))
  registerTraceRoute(app, options)

  function kept() {
    return { newest: recent.nextSeq() - 1, oldest: recent.firstSeq(), kept: recent.usage().events }
  }
}

/** Aborts when the client disconnects. */
function signalOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

interface Asked {
  readonly reply: FastifyReply
  readonly show: (stored: StoredEvent) => object | Promise<object>
}

interface Listed extends ListedEvents {
  /** The last seq that was examined: a client that continues after it misses no event that arrived meanwhile. */
  readonly newest: number
}

/** Answers the query of a list; undefined if too many requests are waiting already. */
function createList({ recent, background }: EventRoutesOptions) {
  let waiting = 0
  return async (query: Query, { reply, show }: Asked): Promise<Listed | undefined> => {
    const newest = recent.nextSeq() - 1
    const most = Number.MAX_SAFE_INTEGER
    const limit = integerOf(query, 'limit', { least: 1, most: MAX_LIMIT, otherwise: DEFAULT_LIMIT })
    const count = integerOf(query, 'count', { least: 1, most: MAX_LIMIT, otherwise: 1 })
    const after = integerOf(query, 'after', { least: 0, most, otherwise: 0 })
    const before = integerOf(query, 'before', { least: 0, most, otherwise: newest + 1 })
    const waitMs = durationOf(query, 'wait', MAX_WAIT_MS)
    const filter = parseFilter(query)
    const signal = signalOf(reply)
    const isAscending = query['order'] === 'asc'
    const wanted = { matches: createMatcher(filter), limit, background, signal, show }
    if (waitMs > 0) {
      if (waiting >= MAX_WAITING) return undefined
      waiting++
      try {
        const most = Math.max(limit, count)
        const { found, seen } = await waitForEvents(recent, {
          filter,
          after,
          count,
          limit: most,
          waitMs,
          signal,
          background
        })
        const events = isAscending ? found : found.toReversed()
        return { ...(await listEvents(events, { ...wanted, matches, limit: most + 1 })), newest: seen }
      } finally {
        waiting--
      }
    }
    const events = isAscending ? recent.after(after) : recent.before(before)
    const end = Math.min(before, newest + 1)
    return { ...(await listEvents(between(events, after, end), wanted)), newest }
  }
}

/** waitForEvents() has applied the filter already. */
const matches = (): boolean => true

function* between(events: Iterable<StoredEvent>, after: number, before: number): Generator<StoredEvent> {
  for (const stored of events) {
    if (stored.seq <= after || stored.seq >= before) return
    yield stored
  }
}
