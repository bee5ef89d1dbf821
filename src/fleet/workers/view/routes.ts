import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RequestAnswer } from '../messages.ts'
import { SILENT_MS } from '../messages.ts'
import { workerOf } from '../seqs.ts'
import type { Slot } from '../slot.ts'
import type { Json, Request } from './ask-all.ts'
import { askAll, askOne } from './ask-all.ts'
import { answer, pass } from './answer.ts'
import { mergeEvents, mergeGroups, mergeKept, mergeOutcomes, mergeSources } from './merge.ts'
import { registerHardValues } from './hard-values.ts'
import { mergeCatalogues, mergeViolations } from './merge-governance.ts'
import { registerTrace } from './trace.ts'

export interface ViewOptions {
  readonly slots: readonly Slot[]
  /** The URL of the tracking API for clients, for a request to the admin listener with this host name. */
  readonly trackingUrl: (hostname: string) => string
}

/** The default of the worker's own routes. */
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000
const MAX_WAIT_MS = 60_000
const MAX_WAITING = 32
/** How often workers are asked while a request waits for events. */
const POLL_MS = 100

/**
 * The debugger's API over all workers. Each route asks the workers and merges their answers. Events name their
 * `worker`, and `silent` names the workers that did not answer within 1 s. If all workers would give the same answer,
 * only one is asked.
 */
export function registerView(app: FastifyInstance, options: ViewOptions): void {
  const { slots } = options
  registerEvents(app, slots)
  registerSources(app, options)
  registerTrace(app, slots)
  registerHardValues(app, slots)
  registerGovernance(app, slots)
  app.get('/api/rejections', async (request, reply) => {
    const asked = await askAll(slots, { method: 'GET', url: request.url })
    return answer(reply, asked, () => ({
      events: mergeGroups(
        asked.values.flatMap(({ events }) => events as Json[]),
        {
          key: ({ outcome, code }) => `${String(outcome)} ${String(code)}`,
          timeOf: ({ receivedAt }) => Date.parse(String(receivedAt))
        }
      ),
      requests: mergeGroups(
        asked.values.flatMap(({ requests }) => requests as Json[]),
        {
          key: ({ code }) => String(code),
          timeOf: ({ at }) => Number(at)
        }
      )
    }))
  })
  app.all('/api/*', async (request, reply) => pass(reply, await askAny(slots, requestOf(request))))
}

function registerGovernance(app: FastifyInstance, slots: readonly Slot[]): void {
  const merged = { '/api/catalogue': mergeCatalogues, '/api/violations': mergeViolations }
  for (const [path, merge] of Object.entries(merged)) {
    app.get(path, async (request, reply) => {
      const asked = await askAll(slots, { method: 'GET', url: request.url })
      return answer(reply, asked, () => merge(asked.values))
    })
  }
}

function registerEvents(app: FastifyInstance, slots: readonly Slot[]): void {
  let waiting = 0
  app.get('/api/events', async (request, reply) => {
    const url = new URL(request.url, 'http://localhost')
    const waitMs = request.method === 'HEAD' ? 0 : waitOf(url.searchParams.get('wait'))
    if (waitMs > 0 && waiting >= MAX_WAITING) {
      reply.code(503).header('retry-after', '1')
      return reply.send({ success: false, message: 'too many requests wait already', code: 'too_many_waiting' })
    }
    waiting += waitMs > 0 ? 1 : 0
    try {
      return await listEvents(reply, url, { slots, waitMs })
    } finally {
      waiting -= waitMs > 0 ? 1 : 0
    }
  })
  app.delete('/api/events', async (_request, reply) => {
    const asked = await askAll(slots, { method: 'DELETE', url: '/api/events' })
    return answer(reply, asked, () => ({ success: asked.silent.length === 0, ...mergeKept(asked.values) }))
  })
  app.get('/api/events/:seq', async (request, reply) => {
    const { seq } = request.params as { seq: string }
    const slot = slots[workerOf(Number(seq))]
    if (slot === undefined)
      return reply.code(404).send({ success: false, message: 'no worker has this event', code: 'not_found' })
    return pass(reply, await askOne(slot, { method: 'GET', url: request.url }))
  })
}

async function listEvents(
  reply: FastifyReply,
  url: URL,
  { slots, waitMs }: { readonly slots: readonly Slot[]; readonly waitMs: number }
): Promise<FastifyReply> {
  const { searchParams } = url
  const count = Number(searchParams.get('count') ?? 1)
  const limit = Number(searchParams.get('limit') ?? DEFAULT_LIMIT)
  // If the request waits for events, `count` may exceed `limit`.
  if (waitMs > 0) searchParams.set('limit', String(Math.min(MAX_LIMIT, Math.max(limit, count))))
  searchParams.delete('wait')
  const most = waitMs > 0 ? Math.max(limit, count) : limit
  const isAscending = searchParams.get('order') === 'asc'
  const end = performance.now() + waitMs
  for (;;) {
    const asked = await askAll(slots, { method: 'GET', url: `${url.pathname}${url.search}` })
    const merged = mergeEvents(asked.values, { limit: most, isAscending })
    const isOver = performance.now() >= end || reply.raw.destroyed
    if (isOver || asked.refusal !== undefined || merged.events.length >= count)
      return answer(reply, asked, () => merged)
    await sleep(POLL_MS)
  }
}

function registerSources(app: FastifyInstance, { slots, trackingUrl }: ViewOptions): void {
  app.get('/api/sources', async (request, reply) => {
    const asked = await askAll(slots, { method: 'GET', url: request.url })
    const hostname = request.clientHost.replace(/:\d*$/, '')
    return answer(reply, asked, () => ({ trackingUrl: trackingUrl(hostname), sources: mergeSources(asked.values) }))
  })
  app.get('/api/outcomes', async (request, reply) => {
    const asked = await askAll(slots, { method: 'GET', url: request.url })
    return answer(reply, asked, () => mergeOutcomes(asked.values))
  })
}

/** Milliseconds. Workers refuse a time that is not valid or too long. */
function waitOf(text: string | null): number {
  const [, digits, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)?$/.exec(text ?? '') ?? []
  const ms = Number(digits) * (unit === 'ms' ? 1 : 1000)
  return ms <= MAX_WAIT_MS ? ms : 0
}

function requestOf({ method, url, body }: FastifyRequest): Request {
  return {
    method: method as Request['method'],
    url,
    ...(body === undefined || body === null ? {} : { body: JSON.stringify(body) })
  }
}

/** The answer of the first worker that answers. Rejects if none does. */
async function askAny(slots: readonly Slot[], request: Request): Promise<RequestAnswer> {
  let problem: unknown
  for (const slot of slots) {
    if (slot.state !== 'listening' || slot.isSilent) continue
    try {
      return await askOne(slot, request, 10 * SILENT_MS)
    } catch (error) {
      problem = error
    }
  }
  const message = problem instanceof Error ? problem.message : 'no worker runs'
  return { status: 503, retryAfter: '1', value: { success: false, message, code: 'no_worker' } }
}
