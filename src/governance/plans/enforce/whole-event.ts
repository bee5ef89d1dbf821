import type { Edit } from '../../../ingest/govern/splice.ts'
import type { ParsedBody, SharedObject } from '../../../ingest/parse/body.ts'
import { KEY } from '../../../ingest/parse/known-keys.ts'
import type { Scan } from '../../../ingest/parse/scan-result.ts'
import { scanObject } from '../../../ingest/parse/scan.ts'
import { KIND } from '../../../ingest/parse/scan-result.ts'

/**
 * The edits that copy the members that a batch sets for all its events into one of them. An event that is kept, to be
 * sent again later, is then sent alone and must still be the same event. Members are copied byte for byte.
 */
export function wholeEventEdits(body: ParsedBody, event: Scan): Edit[] {
  const { context, integrations, sentAt } = body.envelope
  const edits: Edit[] = []
  let added = ''
  for (const [key, shared] of [
    ['context', context],
    ['integrations', integrations]
  ] as const) {
    if (shared === undefined) continue
    const place = event.find(KEY[key])
    if (place >= 0) edits.push(...underOwn(body, event, place, shared))
    else added += `,"${key}":${body.text(shared.scan.start, shared.scan.end)}`
  }
  if (sentAt !== undefined && event.find(KEY.sentAt) < 0) added += `,"sentAt":${sentAt.json}`
  if (added !== '') edits.push({ start: event.end - 1, end: event.end - 1, text: added })
  return edits
}

/** Adds the shared members that the event's own object lacks, after its own members. */
function underOwn(body: ParsedBody, event: Scan, place: number, shared: SharedObject): Edit[] {
  const [start, end] = [event.valueStartAt(place), event.valueEndAt(place)]
  if (event.kindAt(place) !== KIND.object) return [{ start, end, text: body.text(shared.scan.start, shared.scan.end) }]
  const own = scanObject(body.bytes, { start, end, text: body.text })
  const names = new Set(Array.from({ length: own.size }, (_, at) => own.keyAt(at)))
  const { scan } = shared
  const missing = Array.from({ length: scan.size }, (_, at) => at)
    .filter(at => !names.has(scan.keyAt(at)))
    .map(at => body.text(scan.startAt(at), scan.valueEndAt(at)))
  if (missing.length === 0) return []
  return [{ start: end - 1, end: end - 1, text: `${own.size > 0 ? ',' : ''}${missing.join()}` }]
}
