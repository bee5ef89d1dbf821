import type { FastifyInstance } from 'fastify'
import type { SeenEvent } from '../../model/plans/catalogue.ts'

export interface CatalogueView {
  list(): readonly SeenEvent[]
  /** The number of observations that were not recorded because the catalogue was full. */
  dropped(): number
}

const CHOICES = ['source', 'type', 'name'] as const

/**
 * Registers `GET /api/catalogue`: the events that were seen, with their properties, types, times and SDKs.
 *
 * The query's `source`, `type` and `name` select events with exactly that value. `summary=true` leaves out the properties,
 * which for 2,000 events are several megabytes.
 */
export function registerCatalogue(app: FastifyInstance, catalogue: CatalogueView): void {
  app.get('/api/catalogue', async request => {
    const query = request.query as Record<string, unknown>
    const chosen = CHOICES.filter(key => typeof query[key] === 'string')
    // A name may contain half of a surrogate pair. A URL cannot.
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
