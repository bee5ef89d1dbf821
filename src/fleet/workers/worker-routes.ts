import type { FastifyInstance } from 'fastify'
import type { Question, RequestAnswer } from './messages.ts'
import type { Seqs } from './seqs.ts'

type Json = Record<string, unknown>

/** Answers a request to a worker's own admin routes, with seqs and places that are valid over all workers. */
export async function answerRequest(
  { method, url, body }: Extract<Question, { kind: 'request' }>,
  { admin, seqs, index }: { readonly admin: FastifyInstance; readonly seqs: Seqs; readonly index: number }
): Promise<RequestAnswer> {
  const own = toOwnUrl(new URL(url, 'http://localhost'), seqs)
  const sent = body === undefined ? {} : { payload: body }
  const headers = { host: 'localhost', ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
  const answer = await admin.inject({ method, url: `${own.pathname}${own.search}`, headers, ...sent })
  const value: unknown = answer.payload === '' ? undefined : JSON.parse(answer.payload)
  const isGood = answer.statusCode === 200 && typeof value === 'object' && value !== null
  const shared = isGood ? toShared(value as Json, { path: own.pathname, seqs, index }) : value
  return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], value: shared }
}

function toOwnUrl(url: URL, seqs: Seqs): URL {
  const [, seq] = /^\/api\/events\/(\d+)$/.exec(url.pathname) ?? []
  if (seq !== undefined) url.pathname = `/api/events/${localOf(Number(seq), seqs)}`
  if (url.pathname === '/api/events') {
    translate(url, 'after', seqs.toLocalAfter)
    translate(url, 'before', seqs.toLocalBefore)
  }
  return url
}

/** The own number; 0, which no event has, if the number belongs to another worker. */
function localOf(global: number, seqs: Seqs): number {
  const local = seqs.toLocalAfter(global)
  return seqs.toGlobal(local) === global ? local : 0
}

/** A value that is not a number is refused by the route. */
function translate({ searchParams }: URL, name: string, local: (global: number) => number): void {
  const text = searchParams.get(name)
  if (text !== null && /^\d{1,16}$/.test(text)) searchParams.set(name, String(local(Number(text))))
}

interface Own {
  readonly path: string
  readonly seqs: Seqs
  readonly index: number
}

function toShared(answer: Json, { path, seqs, index }: Own): Json {
  const row = (own: Json): Json => ({
    ...own,
    seq: seqs.toGlobal(own['seq'] as number),
    worker: index,
    ...(own['places'] === undefined ? {} : { places: (own['places'] as Json[]).map(place) })
  })
  const place = (own: Json): Json =>
    typeof own['file'] === 'string' && own['store'] !== 'archive'
      ? { ...own, file: `worker-${index}/${own['file']}` }
      : own
  if (path === '/api/events') {
    const { events, next, newest, oldest } = answer
    const shared = { ...answer, newest: seqs.horizon(newest as number), oldest: seqs.toGlobal(oldest as number) }
    if (events === undefined) return shared
    const last = typeof next === 'number' ? seqs.toGlobal(next) : null
    return { ...shared, events: (events as Json[]).map(row), next: last }
  }
  if (path.startsWith('/api/events/')) return row(answer)
  if (path === '/api/rejections') {
    const groups = (answer['events'] as Json[]).map(group => ({
      ...group,
      samples: (group['samples'] as Json[]).map(row)
    }))
    return { ...answer, events: groups }
  }
  if (!path.startsWith('/api/trace/')) return answer
  const records = (answer['records'] as Json[]).map(record => ({ ...record, place: place(record['place'] as Json) }))
  return { ...answer, events: (answer['events'] as Json[]).map(row), records }
}
