import type { FastifyInstance } from 'fastify'
import type { SeenEvent } from '../../model/plans/catalogue.ts'

export interface CatalogueView {
  list(): readonly SeenEvent[]
  /** How often something was not noted because the catalogue is full. */
  dropped(): number
}

/** `GET /api/catalogue?source=ID`: which events were seen, with their properties, types, times and SDKs. */
export function registerCatalogue(app: FastifyInstance, catalogue: CatalogueView): void {
  app.get('/api/catalogue', async request => {
    const { source } = request.query as { source?: unknown }
    const events = catalogue.list()
    return {
      events: typeof source === 'string' ? events.filter(event => event.source === source) : events,
      dropped: catalogue.dropped()
    }
  })
}
