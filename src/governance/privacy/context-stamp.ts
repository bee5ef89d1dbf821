import type { JudgedRequest } from '../../ingest/govern/judged-request.ts'
import type { Edit } from '../../ingest/govern/splice.ts'
import { KEY } from '../../ingest/parse/known-keys.ts'
import type { Scan } from '../../ingest/parse/scan-result.ts'
import { KIND } from '../../ingest/parse/scan-result.ts'
import { scanObject } from '../../ingest/parse/scan.ts'

/**
 * The edits that set `context.<key>: true` in an event, and replace a value that is there. All other bytes stay.
 *
 * @param key must need no escapes in JSON
 */
export function contextStamp(event: Scan, { body }: JudgedRequest, key: string): readonly Edit[] {
  const member = `"${key}":true`
  const place = event.find(KEY.context)
  if (place < 0) return [insertion(event, `"context":{${member}}`)]
  const [start, end] = [event.valueStartAt(place), event.valueEndAt(place)]
  // Null, or PHP's empty array.
  if (event.kindAt(place) !== KIND.object) return [{ start, end, text: `{${member}}` }]
  const context = scanObject(body.bytes, { start, end, text: body.text })
  const own = Array.from({ length: context.size }, (_, at) => at).filter(at => context.keyAt(at) === key)
  if (own.length === 0) return [insertion(context, member)]
  return own.map(at => ({ start: context.valueStartAt(at), end: context.valueEndAt(at), text: 'true' }))
}

/** Inserts after the opening brace. White space in the object stays. */
function insertion({ start, size }: Scan, member: string): Edit {
  return { start: start + 1, end: start + 1, text: size === 0 ? member : `${member},` }
}
