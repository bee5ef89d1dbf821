import type { FastifyInstance } from 'fastify'
import type { SeenEvent } from '../../model/plans/catalogue.ts'

export interface CatalogueView {
  list(): readonly SeenEvent[]
  /** How often something was not noted because the catalogue is full. */
  dropped(): number
}

const CHOICES = ['source', 'type', 'name'] as const

/**
 * `GET /api/catalogue`: which events were seen, with their properties, types, times and SDKs.
 *
 * `source`, `type` and `name` of the query each choose events by that member, exactly. With `summary=true` the properties are
 * left out: those of 2,000 events are some megabytes.
 */
export function registerCatalogue(app: FastifyInstance, catalogue: CatalogueView): void {
  app.get('/api/catalogue', async request => {
    const query = request.query as Record<string, unknown>
    const chosen = CHOICES.filter(key => typeof query[key] === 'string')
    // An address has no half of a surrogate pair, and a name may.
    const events = catalogue.list().filter(event => chosen.every(key => event[key].toWellFormed() === query[key]))
    return {
      events: query['summary'] === 'true' ? events.map(summaryOf) : events,
      dropped: catalogue.dropped()
    }
  })
}

function summaryOf({ source, type, name, events, firstSeen, lastSeen, sdks, isTruncated }: SeenEvent): object {
  return { source, type, name, events, firstSeen, lastSeen, sdks, isTruncated }
}
