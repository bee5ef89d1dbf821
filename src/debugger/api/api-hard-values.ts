import type { FastifyInstance } from 'fastify'
import type { Background } from '../../model/background.ts'
import { HardValueReport } from '../../model/reading/hard-value-report.ts'
import { HARD_VALUES } from '../../model/reading/hard-values.ts'
import type { Mask } from '../ring/mask.ts'
import type { RecentEvents } from '../ring/recent.ts'
import { publishedText } from '../ring/row.ts'
import { matchingEvents } from '../ring/search.ts'

/**
 * Registers `GET /api/hard-values`: values in the accepted events in memory that common readers of the log cannot read or
 * misread, by event, property and kind, the most frequent first.
 */
export function registerHardValues(
  app: FastifyInstance,
  { recent, mask, background }: { readonly recent: RecentEvents; readonly mask: Mask; readonly background: Background }
): void {
  app.get('/api/hard-values', async () => {
    const report = new HardValueReport()
    const isAccepted = ({ event }: { readonly event: { readonly outcome: string } }): boolean =>
      event.outcome === 'accepted'
    for await (const stored of matchingEvents(recent.after(0), { matches: isAccepted, background })) {
      report.add(publishedText(stored) ?? '')
    }
    const values = report.list().map(({ event, path, messageId, kind, count }) => ({
      event: mask(event),
      path: mask(path),
      kind,
      meaning: HARD_VALUES[kind],
      count,
      messageId: mask(messageId)
    }))
    return { values, events: report.events, omitted: report.omitted }
  })
}
