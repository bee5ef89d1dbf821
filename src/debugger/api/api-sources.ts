import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { EventType } from '../../model/event-types.ts'
import { isEventType } from '../../model/event-types.ts'
import type { Source } from '../../model/source.ts'
import { errorAnswer, wholeNumber } from '../query.ts'
import type { RecentEvents } from '../ring/recent.ts'
import type { SdkWatch } from './sources.ts'
import { toSourceView } from './sources.ts'
import { testEvent } from '../../client/test-event.ts'

/** A write key of a source. Only the route for a single key returns the key itself. */
export interface SourceKey {
  /** Undefined if only its digest is known. */
  readonly key: string | undefined
  /** Enough characters of the key to distinguish it from others. */
  readonly masked: string
}

/** Sends an event through the tracking API, as an SDK would. */
export type SendEvent = (
  writeKey: string,
  type: EventType,
  event: object
) => Promise<{ readonly status: number; readonly body: string }>

export interface SourceRoutesOptions {
  readonly recent: RecentEvents
  readonly sdks: SdkWatch
  readonly sources: () => readonly Source[]
  /** The keys of every source, by source id. */
  readonly writeKeys: () => ReadonlyMap<string, readonly SourceKey[]>
  /** A key with which this process can send events for the source. */
  readonly privateKey: (sourceId: string) => string
  readonly sendEvent: SendEvent
  /** The tracking API's URL for a client that reached the admin listener by this host name. */
  readonly trackingUrl: (hostname: string) => string
}

/** Registers the routes for sources: the list with SDKs and masked keys, one key, and a test event. */
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

  // A POST, so that neither another site nor a prefetch can request the key, and no history or proxy log contains it.
  app.post('/api/sources/:id/keys/:index', async (request, reply) => {
    const { id, index } = request.params as { id: string; index: string }
    const key = writeKeys().get(id)?.[wholeNumber(index) ?? -1]
    if (key === undefined) return reply.code(404).send(errorAnswer('not_found', 'the source has no such key'))
    if (key.key === undefined) {
      return reply
        .code(404)
        .send(errorAnswer('not_found', 'only the digest of this key is kept: it was shown when it was made'))
    }
    return { writeKey: key.key }
  })

  app.post('/api/sources/:id/test', async (request, reply) => {
    const { id } = request.params as { id: string }
    const type = (request.body as { type?: unknown } | null)?.type ?? 'track'
    if (!isEventType(type)) return reply.code(400).send(errorAnswer('bad_request', 'type must be one of the six calls'))
    if (!writeKeys().has(id)) return reply.code(404).send(errorAnswer('not_found', 'there is no such source'))
    const messageId = `test-${randomUUID()}`
    const { status, body } = await sendEvent(options.privateKey(id), type, testEvent(type, messageId))
    return { messageId, status, answer: JSON.parse(body) as unknown }
  })
}
