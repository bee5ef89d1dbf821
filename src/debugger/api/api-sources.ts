import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { EventType } from '../../model/event-types.ts'
import { isEventType } from '../../model/event-types.ts'
import type { Source } from '../../model/source.ts'
import { fail, wholeNumber } from '../query.ts'
import type { RecentEvents } from '../ring/recent.ts'
import type { SdkWatch } from './sources.ts'
import { toSourceView } from './sources.ts'
import { testEvent } from '../../client/test-event.ts'

/** One write key of a source. The key itself is only told to who asks for that one. */
export interface SourceKey {
  /** Undefined where only its digest is known. */
  readonly key: string | undefined
  /** Enough of it to tell it from others. */
  readonly masked: string
}

/** Sends an event as an SDK would, through the tracking API. */
export type SendEvent = (
  writeKey: string,
  type: EventType,
  event: object
) => Promise<{ readonly status: number; readonly body: string }>

export interface SourceRoutesOptions {
  readonly recent: RecentEvents
  readonly sdks: SdkWatch
  readonly sources: () => readonly Source[]
  /** Every source's keys by its id. */
  readonly writeKeys: () => ReadonlyMap<string, readonly SourceKey[]>
  /** A key with which this process sends as the source. */
  readonly privateKey: (sourceId: string) => string
  readonly sendEvent: SendEvent
  /** The tracking API as clients reach it, for a request to the admin listener by this host name. */
  readonly trackingUrl: (hostname: string) => string
}

/** The sources part of the API: who sends, what with, their keys, and a test event. */
export function registerSourceRoutes(app: FastifyInstance, options: SourceRoutesOptions): void {
  const { recent, sdks, sources, writeKeys, sendEvent } = options

  app.get('/api/sources', async request => {
    const keys = writeKeys()
    await sdks.look()
    return {
      trackingUrl: options.trackingUrl(request.clientHost.replace(/:\d*$/, '')),
      sources: sources().map(source => ({
        ...toSourceView(source, recent, sdks),
        keys: (keys.get(source.id) ?? []).map(({ masked }) => masked)
      }))
    }
  })

  app.get('/api/outcomes', async () => ({
    sources: Object.fromEntries([...recent.tallies()].map(([source, { outcomes }]) => [source, outcomes]))
  }))

  // A POST, so that no other site and no prefetch can ask for it, and no history or proxy log has it.
  app.post('/api/sources/:id/keys/:index', async (request, reply) => {
    const { id, index } = request.params as { id: string; index: string }
    const key = writeKeys().get(id)?.[wholeNumber(index) ?? -1]
    if (key === undefined) return reply.code(404).send(fail('not_found', 'the source has no such key'))
    if (key.key === undefined) {
      return reply
        .code(404)
        .send(fail('not_found', 'only the digest of this key is kept: it was shown when it was made'))
    }
    return { writeKey: key.key }
  })

  app.post('/api/sources/:id/test', async (request, reply) => {
    const { id } = request.params as { id: string }
    const type = (request.body as { type?: unknown } | null)?.type ?? 'track'
    if (!isEventType(type)) return reply.code(400).send(fail('bad_request', 'type must be one of the six calls'))
    if (!writeKeys().has(id)) return reply.code(404).send(fail('not_found', 'there is no such source'))
    const messageId = `test-${randomUUID()}`
    const { status, body } = await sendEvent(options.privateKey(id), type, testEvent(type, messageId))
    return { messageId, status, answer: JSON.parse(body) as unknown }
  })
}
